/* Many short connections that the server ends: their ports are used again while it still waits. */
#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fact.h"

#define CONNECTIONS 3000

static struct sockaddr_in server;

static void *serve(void *listener)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        int file = accept(*(int *)listener, NULL, NULL);
        char byte;
        if (read(file, &byte, 1) == 1) {
            (void)!write(file, &byte, 1);
        }
        close(file);
    }
    return NULL;
}

static int ask(void)
{
    char bytes[2];
    int file = socket(AF_INET, SOCK_STREAM, 0);
    int good = connect(file, (struct sockaddr *)&server, sizeof server) == 0 &&
               write(file, "x", 1) == 1 && recv(file, bytes, 2, MSG_WAITALL) == 1;
    close(file);
    return good;
}

int main(void)
{
    socklen_t size = sizeof server;
    pthread_t thread;
    int answered = 0;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    server = (struct sockaddr_in){.sin_family = AF_INET};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    FACT(bind(listener, (struct sockaddr *)&server, size));
    FACT(listen(listener, 16));
    FACT(getsockname(listener, (struct sockaddr *)&server, &size));
    pthread_create(&thread, NULL, serve, &listener);
    for (int i = 0; i < CONNECTIONS; i++) {
        answered += ask();
    }
    printf("answered: %d of %d\n", answered, CONNECTIONS);
    return answered != CONNECTIONS;
}
