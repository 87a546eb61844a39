/*
 * Open files and the descriptor table.
 *
 * Descriptors 0, 1 and 2 are the console without anybody opening it, so that a program which only
 * prints links neither sockets, nor the file system, nor threads. The table grows when a component
 * installs the first file.
 *
 * Reading the console waits for a line from the host; programs that read nothing do not link that.
 *
 * A file is counted: a descriptor holds one reference, and so does every system call while it
 * works on the file (ub_file_get … ub_file_put), so that a close in another thread is safe. The
 * last ub_file_put calls `close`; it may wait, so call it without locks held.
 *
 * Pointers that programs pass are used as they are (one address space): a bad pointer is a page
 * fault that ends the image with a report, not -EFAULT.
 */
#ifndef UNIBUILD_FILE_H
#define UNIBUILD_FILE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <unibuild/thread.h>

struct ub_file;

/* What mmap finds in a file. */
struct ub_file_contents {
    /* All of them, when they never change nor move (the image's root): mapped where they lie if
     * they begin on a page, else copied. NULL: pages are asked for one by one. */
    const void *bytes;
    uint64_t size;
};

/*
 * What a kind of file can do. All return a count or 0, or a negated error number. NULL members
 * have the default named beside them. None is called with locks held; any may run in several
 * threads at once. Blocking operations honour file->flags & O_NONBLOCK (-EAGAIN).
 */
struct ub_file_operations {
    /* The stream position, if there is one, is the file's own business. NULL: -EBADF. */
    long (*read)(struct ub_file *file, void *buffer, size_t size);
    long (*write)(struct ub_file *file, const void *buffer, size_t size);
    /* One message or burst from several pieces. NULL: readv/writev loop over read/write. */
    long (*read_vector)(struct ub_file *file, const struct iovec *pieces, size_t count);
    long (*write_vector)(struct ub_file *file, const struct iovec *pieces, size_t count);
    /* pread64. NULL: -ESPIPE. */
    long (*read_at)(struct ub_file *file, void *buffer, size_t size, int64_t offset);
    /* pwrite64. NULL: -ESPIPE. */
    long (*write_at)(struct ub_file *file, const void *buffer, size_t size, int64_t offset);
    /* lseek. NULL: -ESPIPE. */
    int64_t (*seek)(struct ub_file *file, int64_t offset, int whence);
    /* The POLL* bits that hold now. Must not block. NULL: POLLIN | POLLOUT (always ready). Every
     * change that can add a bit is followed by ub_file_notify(file). May run with the scheduler
     * lock not held, from any thread. */
    unsigned (*poll)(struct ub_file *file);
    /* ioctl requests beyond FIONBIO. NULL: -ENOTTY. */
    long (*control)(struct ub_file *file, unsigned long request, unsigned long argument);
    /* fstat: fill what is known; the caller zeroed it. NULL: a character device. */
    long (*status)(struct ub_file *file, struct stat *status);
    /* getdents64. NULL: -ENOTDIR. */
    long (*entries)(struct ub_file *file, void *buffer, size_t size);
    /* mmap: asked once for each mapping, which then holds a reference. From now on until the file
     * is gone for good (not only this opening of it) its pages stay where they are: truncation
     * zeroes them. 0 or a negated error number. NULL: -ENODEV. */
    long (*contents)(struct ub_file *file, struct ub_file_contents *contents);
    /* Where `contents` gave no bytes: the page of the file at `offset`, a multiple of a page, from
     * ub_page_allocate; made when there is none yet. NULL: behind the end, or out of memory. Runs
     * in page faults with interrupts disabled, so it takes spin locks only. */
    void *(*page)(struct ub_file *file, uint64_t offset);
    /* The last reference is gone: release everything, the struct included. NULL: nothing to do. */
    void (*close)(struct ub_file *file);
};

/*
 * Embed as the first member of the component's own struct. Set `operations`, `flags` (access mode
 * and O_NONBLOCK) and `references` = 1, zero the rest; ub_file_install takes over that reference.
 */
struct ub_file {
    const struct ub_file_operations *operations;
    unsigned flags;               /* O_ACCMODE | O_NONBLOCK | O_APPEND; F_SETFL changes it */
    unsigned references;          /* atomic */
    struct ub_wait_queue changes; /* woken by ub_file_notify; blocking reads and writes wait here */
};

/*
 * Gives the file the lowest free descriptor. `descriptor_flags`: 0 or O_CLOEXEC (recorded).
 * Returns the descriptor, or -EMFILE or -ENOMEM (the caller's reference stays the caller's).
 */
int ub_file_install(struct ub_file *file, unsigned descriptor_flags);

/* The file of a descriptor with a reference taken, or NULL (answer -EBADF). */
struct ub_file *ub_file_get(long descriptor);
void ub_file_hold(struct ub_file *file);
void ub_file_put(struct ub_file *file);

/* Something that poll, epoll or a blocked read may wait for happened: call on *every* arrival,
 * also when the file was ready before (edge-triggered epoll counts on it). Interrupt-safe. */
static inline void ub_file_notify(struct ub_file *file)
{
    ub_wake_all(&file->changes);
}

/* One more than the highest descriptor that can be open now. */
unsigned ub_file_descriptors_end(void);

/* Bytes that a pipe holds. */
#define UB_PIPE_CAPACITY 65536UL

/* The console file behind descriptors 0, 1 and 2. */
extern struct ub_file ub_file_console;
/* Its terminal requests beyond its size; `argument` is the kernel's. Whoever refers to it strongly
 * brings it along. 0 or -ENOTTY. */
long ub_console_terminal(unsigned long request, void *argument);

#endif
