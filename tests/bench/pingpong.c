/*
 * pingpong: what a bare TCP exchange over loopback can do on this machine, between two processes: a
 * request of 48 bytes (an iSCSI header), a reply of 48 bytes and N of data, with so many requests
 * outstanding. The ceiling for any iSCSI target here.
 *
 *     pingpong BYTES DEPTH SECONDS        prints exchanges per second
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HEADER 48u

static char reply[HEADER + (1 << 20)];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/** Answers every whole request; what has come together is answered together. */
static void serve(int fd, size_t bytes)
{
    static char requests[HEADER * 256];
    size_t have = 0;

    for (;;) {
        ssize_t got = recv(fd, requests + have, sizeof(requests) - have, 0);

        if (got <= 0) {
            exit(0);
        }
        for (have += (size_t)got; have >= HEADER; have -= HEADER) {
            for (size_t sent = 0; sent < HEADER + bytes;) {
                ssize_t part = send(fd, reply + sent, HEADER + bytes - sent, MSG_NOSIGNAL);

                if (part < 0) {
                    exit(0);
                }
                sent += (size_t)part;
            }
        }
    }
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/** Sends requests, takes replies. \return exchanges per second. */
static double ask(int fd, size_t bytes, unsigned depth, double seconds)
{
    static char requests[HEADER * 256];
    size_t have = 0;
    unsigned long done = 0;
    double begin = now(), end = begin;

    if (send(fd, requests, HEADER * depth, 0) != (ssize_t)(HEADER * depth)) {
        die("send");
    }
    while (end - begin < seconds) {
        ssize_t got = recv(fd, reply, sizeof(reply), 0);
        unsigned whole;

        if (got <= 0) {
            die("recv");
        }
        have += (size_t)got;
        whole = (unsigned)(have / (HEADER + bytes));
        have %= HEADER + bytes;
        done += whole;
        if (whole != 0 && send(fd, requests, HEADER * whole, 0) != (ssize_t)(HEADER * whole)) {
            die("send");
        }
        end = now();
    }
    return (double)done / (end - begin);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, fd;
    size_t bytes = argc == 4 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned depth = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    pid_t child;

    if (depth == 0 || depth > 256 || bytes > 1 << 20) {
        fprintf(stderr, "usage: pingpong BYTES DEPTH SECONDS\n");
        return 2;
    }
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        die("listen");
    }
    child = fork();
    if (child == 0) {
        fd = accept(listener, NULL, NULL);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        serve(fd, bytes);
    }
    fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (child < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        die("connect");
    }
    printf("%.0f\n", ask(fd, bytes, depth, strtod(argv[3], NULL)));
    close(fd);
    waitpid(child, NULL, 0);
    return 0;
}
