/* The kernel around the stack, played on a host: one thread, a clock that is told, a device. */
#ifndef SOCKET_TEST_WORLD_H
#define SOCKET_TEST_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint32_t world_random(void);
/* Brings the stack up with a fixed address, and a program that echoes on both ports. */
void world_start(unsigned long seed, int udp_port, int tcp_port);
/* The device received a frame. */
void world_receive(const uint8_t *bytes, size_t size);
/* The program reads, answers, accepts and closes what it can without waiting. */
void world_run_program(void);
/* The program closes its connections. */
void world_close_connections(void);
/* Time passes; lwIP's timers run. */
void world_pass_time(unsigned milliseconds);

unsigned long world_connections(void);
size_t world_most_pages(void);
long world_buffers_out(void);

/* The test's: a frame was sent. */
void world_sent(const uint8_t *bytes, size_t size);

#endif
