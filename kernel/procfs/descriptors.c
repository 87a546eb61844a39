/*
 * Links and directories that show the program: /proc/self/fd, /proc/self/task, /proc/self/cwd,
 * /proc/thread-self. The nodes that are found are written anew each time, with the tree's lock
 * held.
 */
#include <string.h>

#include <unibuild/scheduler.h>

#include "text.h"

#define DIGITS 12U

static char target_text[UB_PATH_MAXIMUM + sizeof " (deleted)"];
static char name_text[DIGITS];

static uint32_t number_write(char *to, unsigned value)
{
    char digits[DIGITS];
    uint32_t length = 0;
    do {
        digits[length++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (uint32_t i = 0; i < length; i++) {
        to[i] = digits[length - 1 - i];
    }
    return length;
}

/* A name that is a number as it is written; -1 for others. */
static long number_read(const char *name, size_t length)
{
    long value = 0;
    if (length == 0 || length > 9 || (length > 1 && name[0] == '0')) {
        return -1;
    }
    for (size_t i = 0; i < length; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return -1;
        }
        value = value * 10 + (name[i] - '0');
    }
    return value;
}

/* ---- Where a descriptor leads ------------------------------------------------------------ */

static const char *kind_of(uint32_t mode)
{
    return S_ISFIFO(mode) ? "pipe" : S_ISSOCK(mode) ? "socket" : "anon_inode";
}

/* Its address would tell where the kernel lies: the first descriptor of the file stands for it. */
static unsigned number_of(const struct ub_file *file)
{
    unsigned end = ub_file_descriptors_end();
    for (unsigned i = 0; i < end; i++) {
        struct ub_file *other = ub_file_get((long)i);
        if (other != NULL) {
            ub_file_put(other);
        }
        if (other == file) {
            return i + 1;
        }
    }
    return 0;
}

static size_t describe(struct ub_file *file, char *to, size_t size)
{
    struct ub_node *node = ub_file_node(file);
    struct stat status = {0};
    if (node != NULL) {
        long length = ub_node_path(node, to, size);
        if (length >= 0) {
            return (size_t)length;
        }
        memcpy(to, "/ (deleted)", 11);
        return 11;
    }
    if (file == &ub_file_console) {
        memcpy(to, "/dev/console", 12);
        return 12;
    }
    if (file->operations->status != NULL) {
        (void)file->operations->status(file, &status);
    }
    const char *kind = kind_of(status.st_mode);
    size_t length = strlen(kind);
    memcpy(to, kind, length);
    memcpy(to + length, ":[", 2);
    length += 2;
    length += number_write(to + length, number_of(file));
    to[length++] = ']';
    return length;
}

static const char *descriptor_target(struct ub_node *link, size_t *length)
{
    struct ub_file *file = ub_file_get((long)link->order - 2);
    *length = 0;
    if (file != NULL) {
        *length = describe(file, target_text, sizeof target_text);
        ub_file_put(file);
    }
    return target_text;
}

static struct ub_node *descriptor_jump(struct ub_node *link)
{
    int error;
    return ub_tree_node_of((long)link->order - 2, &error);
}

static const struct ub_node_operations descriptor_link = {
    .target = descriptor_target,
    .jump = descriptor_jump,
};

static struct ub_node descriptor_node = {
    .mode = S_IFLNK | 0700,
    .name = name_text,
    .system = &descriptor_link,
};

static struct ub_node *descriptor_at(struct ub_node *directory, unsigned descriptor)
{
    descriptor_node.parent = directory;
    descriptor_node.name_length = number_write(name_text, descriptor);
    descriptor_node.order = descriptor + 2;
    return &descriptor_node;
}

static bool is_open(long descriptor)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file != NULL) {
        ub_file_put(file);
    }
    return file != NULL;
}

static struct ub_node *descriptor_child(struct ub_node *directory, const char *name, size_t length)
{
    long descriptor = number_read(name, length);
    return descriptor >= 0 && is_open(descriptor) ? descriptor_at(directory, (unsigned)descriptor)
                                                  : NULL;
}

static struct ub_node *descriptor_next(struct ub_node *directory, int64_t position)
{
    unsigned end = ub_file_descriptors_end();
    for (int64_t i = position < 2 ? 0 : position - 2; i < end; i++) {
        if (is_open((long)i)) {
            return descriptor_at(directory, (unsigned)i);
        }
    }
    return NULL;
}

const struct ub_node_operations ub_descriptors_directory = {
    .child = descriptor_child,
    .next = descriptor_next,
};

/* ---- Threads ----------------------------------------------------------------------------- */

/* The least id of a thread of the program from `least` on, and how many there are. */
static int thread_from(int64_t least, unsigned *count)
{
    int found = 0;
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    for (struct ub_thread *thread = ub_threads; thread != NULL; thread = thread->next) {
        if (thread->program) {
            *count += 1;
            if (thread->id >= least && (found == 0 || thread->id < found)) {
                found = thread->id;
            }
        }
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    return found;
}

unsigned ub_count_program_threads(void)
{
    unsigned count = 0;
    (void)thread_from(0, &count);
    return count;
}

static struct ub_node task_node = {.mode = S_IFDIR | 0555, .name = name_text};

/* What is known of a thread is what is known of the program: its directory is /proc/self. */
static struct ub_node *task_child(struct ub_node *directory, const char *name, size_t length)
{
    unsigned count = 0;
    long id = number_read(name, length);
    return id > 0 && thread_from(id, &count) == id ? directory->parent : NULL;
}

static struct ub_node *task_next(struct ub_node *directory, int64_t position)
{
    unsigned count = 0;
    int id = thread_from(position < 2 ? 0 : position - 2, &count);
    if (id == 0) {
        return NULL;
    }
    task_node.parent = directory;
    task_node.name_length = number_write(name_text, (unsigned)id);
    task_node.order = (uint32_t)id + 2;
    return &task_node;
}

const struct ub_node_operations ub_tasks_directory = {.child = task_child, .next = task_next};

static const char *thread_target(struct ub_node *link, size_t *length)
{
    (void)link;
    memcpy(target_text, "1/task/", 7);
    *length = 7 + number_write(target_text + 7, (unsigned)ub_thread_id(ub_thread_current()));
    return target_text;
}

const struct ub_node_operations ub_thread_self_link = {.target = thread_target};

static const char *working_directory_target(struct ub_node *link, size_t *length)
{
    (void)link;
    struct ub_node *root = ub_filesystem_root();
    long written = ub_node_path(ub_working_directory != NULL ? ub_working_directory : root,
                                target_text, sizeof target_text);
    *length = written > 0 ? (size_t)written : 0;
    return target_text;
}

const struct ub_node_operations ub_working_directory_link = {.target = working_directory_target};
