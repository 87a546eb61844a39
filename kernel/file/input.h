/* Inside kernel/file: the console's input. Only programs that read descriptors link it. */
#ifndef UNIBUILD_FILE_INPUT_H
#define UNIBUILD_FILE_INPUT_H

#include <unibuild/file.h>

long ub_console_input_read(struct ub_file *file, void *buffer, size_t size);
unsigned ub_console_input_poll(void);

/* Refers to the input, so that the object file that says this brings it along. */
#define UB_CONSOLE_INPUT_WANTED()                                                                  \
    static long (*const console_input)(struct ub_file *, void *, size_t)                           \
        __attribute__((used, retain)) = ub_console_input_read

#endif
