#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int main(void)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(7)};
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    if (udp < 0 || bind(udp, (struct sockaddr *)&place, sizeof place))
        return 1;
    puts("listening");
    fflush(stdout);
    for (;;) {
        char text[64];
        socklen_t size = sizeof place;
        ssize_t got = recvfrom(udp, text, sizeof text, 0, (struct sockaddr *)&place, &size);
        if (got == 4 && !memcmp(text, "quit", 4))
            return 9;
        if (got > 0)
            sendto(udp, text, (size_t)got, 0, (struct sockaddr *)&place, size);
    }
}
