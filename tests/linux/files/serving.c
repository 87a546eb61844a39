/* sendfile and large writes into connections of the loopback: from the program's own file, from a
 * written one, with and without waiting, to readers that are slow and to one that goes away. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "facts.h"

#define WRITTEN 700000L

static int listener;
static struct sockaddr_in address = {.sin_family = AF_INET};

struct reader {
    pthread_t thread;
    long limit; /* goes away after so many bytes; 0: reads to the end */
    long got;
    unsigned sum;
};

static unsigned add(unsigned sum, const unsigned char *bytes, long size)
{
    for (long i = 0; i < size; i++) {
        sum = (sum ^ bytes[i]) * 16777619U;
    }
    return sum;
}

static void *read_all(void *argument)
{
    static __thread unsigned char bytes[5000];
    struct reader *reader = argument;
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    long size = connect(connection, (struct sockaddr *)&address, sizeof address);
    while ((reader->limit == 0 || reader->got < reader->limit) &&
           (size = read(connection, bytes, sizeof bytes)) > 0) {
        reader->sum = add(reader->sum, bytes, size);
        reader->got += size;
    }
    close(connection);
    return NULL;
}

static unsigned file_sum(int file, off_t offset)
{
    static unsigned char bytes[65536];
    unsigned sum = 0;
    long size;
    while ((size = pread(file, bytes, sizeof bytes, offset)) > 0) {
        sum = add(sum, bytes, size);
        offset += size;
    }
    return sum;
}

/* Sends all from the offset on; how much. */
static long send_file(int connection, int file, off_t offset)
{
    long total = 0;
    for (;;) {
        long sent = sendfile(connection, file, &offset, 1 << 20);
        if (sent < 0 && errno == EAGAIN) {
            struct pollfd room = {.fd = connection, .events = POLLOUT};
            (void)poll(&room, 1, -1);
        } else if (sent <= 0) {
            return sent < 0 ? -errno : total;
        } else {
            total += sent;
        }
    }
}

static void serve(const char *what, int file, off_t offset, int flags)
{
    struct reader reader = {0};
    pthread_create(&reader.thread, NULL, read_all, &reader);
    int connection = accept4(listener, NULL, NULL, flags);
    long sent = send_file(connection, file, offset);
    close(connection);
    pthread_join(reader.thread, NULL);
    long size = lseek(file, 0, SEEK_END) - offset;
    printf("%s: all sent %d, all got %d, as it was %d\n", what, sent == size, reader.got == size,
           reader.sum == file_sum(file, offset));
}

static void write_large(int flags)
{
    static unsigned char bytes[WRITTEN];
    struct reader reader = {0};
    for (long i = 0; i < WRITTEN; i++) {
        bytes[i] = (unsigned char)(i * 2654435761U >> 23);
    }
    pthread_create(&reader.thread, NULL, read_all, &reader);
    int connection = accept4(listener, NULL, NULL, flags);
    FACT(write(connection, bytes, WRITTEN));
    close(connection);
    pthread_join(reader.thread, NULL);
    FACT(reader.got);
    FACT(reader.sum == add(0, bytes, WRITTEN));
}

static void gone(int file)
{
    struct reader reader = {.limit = 1};
    pthread_create(&reader.thread, NULL, read_all, &reader);
    int connection = accept4(listener, NULL, NULL, 0);
    long result = 0;
    for (int i = 0; i < 1000 && result >= 0; i++) {
        result = send_file(connection, file, 0);
    }
    FACT(result == -EPIPE || result == -ECONNRESET);
    close(connection);
    pthread_join(reader.thread, NULL);
}

int main(void)
{
    socklen_t size = sizeof address;
    facts_begin();
    signal(SIGPIPE, SIG_IGN);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    FACT(bind(listener, (struct sockaddr *)&address, sizeof address));
    FACT(getsockname(listener, (struct sockaddr *)&address, &size));
    FACT(listen(listener, 5));
    int own = open("/proc/self/exe", O_RDONLY);
    FACT(own >= 0);
    int written = open("written", O_RDWR | O_CREAT, 0600);
    FACT(sendfile(written, own, NULL, 30000));
    FACT(ftruncate(written, WRITTEN));
    serve("own", own, 0, 0);
    serve("own, not waiting", own, 0, SOCK_NONBLOCK);
    serve("own, the end", own, 20001, 0);
    serve("written", written, 0, 0);
    serve("written, not waiting", written, 3, SOCK_NONBLOCK);
    write_large(0);
    gone(written);
    close(own);
    close(written);
    FACT(unlink("written"));
    facts_end();
    return 0;
}
