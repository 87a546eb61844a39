/* How many threads the program has; clone counts up, the end of a thread down. */
#ifndef UNIBUILD_LINUX_THREAD_COUNT_H
#define UNIBUILD_LINUX_THREAD_COUNT_H

extern unsigned ub_linux_threads;

#endif
