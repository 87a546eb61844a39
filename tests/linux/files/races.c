/* Threads that do to the same few files, folders and descriptors whatever they like, at once. What
 * they find is left to chance; that every answer is a possible one is not. */
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "facts.h"

#define THREADS 5U
#define ROUNDS 1500
#define PIECE 3000U

static const char *const names[] = {"a", "b", "d/a", "d/b", "d"};
static int shared_folder;
static unsigned wrong[THREADS];

struct worker {
    unsigned number;
    uint64_t state;
    char bytes[PIECE];
};

static unsigned draw(struct worker *worker, unsigned below)
{
    worker->state ^= worker->state << 13; /* xorshift64 */
    worker->state ^= worker->state >> 7;
    worker->state ^= worker->state << 17;
    return (unsigned)((worker->state >> 11) % below);
}

static void expect(struct worker *worker, int holds)
{
    wrong[worker->number] += !holds;
}

/* Written, read, cut off and mapped, while others do the same. */
static void contents(struct worker *worker, const char *name)
{
    int file = openat(shared_folder, name, O_RDWR | O_CREAT, 0600);
    if (file < 0) {
        expect(worker, errno == EISDIR || errno == ENOENT || errno == ENOTDIR || errno == EBADF);
        return;
    }
    memset(worker->bytes, 'a' + (int)draw(worker, 26), PIECE);
    expect(worker, pwrite(file, worker->bytes, PIECE, 8192) == PIECE);
    long got = pread(file, worker->bytes, PIECE, 8192);
    expect(worker, got >= 0 && got <= PIECE);
    if (draw(worker, 3) == 0) {
        expect(worker, ftruncate(file, draw(worker, 20000)) == 0);
    }
    if (draw(worker, 4) == 0) {
        char *mapped = mmap(NULL, 16384, PROT_READ, MAP_SHARED, file, 0);
        expect(worker, mapped != MAP_FAILED);
        int maps = open("/proc/self/maps", O_RDONLY);
        expect(worker, read(maps, worker->bytes, PIECE) > 0);
        close(maps);
        munmap(mapped, 16384);
    }
    close(file);
}

static void folders(struct worker *worker, const char *name, const char *other)
{
    char buffer[512];
    switch (draw(worker, 8)) {
    case 0:
        (void)rename(name, other);
        break;
    case 1:
        (void)link(name, other);
        break;
    case 2:
        (void)unlink(name);
        break;
    case 3:
        (void)(draw(worker, 2) ? mkdir("d", 0700) : rmdir("d"));
        break;
    case 4: {
        DIR *folder = opendir(".");
        while (folder != NULL && readdir(folder) != NULL) {}
        if (folder != NULL) {
            closedir(folder);
        }
        break;
    }
    case 5: {
        int opened = openat(shared_folder, "d", O_RDONLY | O_DIRECTORY);
        if (opened >= 0) {
            (void)dup2(opened, shared_folder + 1 + (int)worker->number % 2);
            close(opened);
        }
        break;
    }
    case 6:
        (void)close(openat(shared_folder + 1, "late", O_CREAT | O_WRONLY, 0600));
        (void)unlinkat(shared_folder + 1, "late", 0);
        break;
    default:
        (void)readlink("/proc/self/fd/40", buffer, sizeof buffer);
        (void)readlink("/proc/self/cwd", buffer, sizeof buffer);
        (void)close(open("/proc/self/fd/41", O_RDONLY));
    }
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    for (int round = 0; round < ROUNDS; round++) {
        const char *name = names[draw(worker, 4)];
        if (draw(worker, 2) == 0) {
            contents(worker, name);
        } else {
            folders(worker, name, names[draw(worker, 5)]);
        }
    }
    return NULL;
}

int main(void)
{
    static struct worker workers[THREADS];
    pthread_t threads[THREADS];
    facts_begin();
    int folder = open(".", O_RDONLY | O_DIRECTORY);
    shared_folder = dup2(folder, 40);
    FACT(shared_folder);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.number = i, .state = 88172645463325252ULL + i};
        FACT(pthread_create(&threads[i], NULL, work, &workers[i]));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        FACT(pthread_join(threads[i], NULL));
        FACT(wrong[i]);
    }
    for (int round = 0; round < 2; round++) {
        (void)unlink("d/a");
        (void)unlink("d/b");
        (void)unlink("d/late");
        for (unsigned i = 0; i < 5; i++) {
            (void)unlink(names[i]);
            (void)rmdir(names[i]);
        }
        (void)unlink("late");
    }
    facts_list(".");
    facts_end();
    return 0;
}
