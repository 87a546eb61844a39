/* The program that the suite has run by a server's workers: a static ELF that needs nothing of
 * them.
 *
 *     probe exit            ends with status 3
 *     probe say             writes to standard output and standard error
 *     probe file            copies the file "input" to "out/file" and makes it executable
 *     probe tree            makes the directory "out/tree" with a file and a directory with a file
 *     probe nothing         ends with status 0 and writes nothing
 *     probe sleep           takes a minute
 *     probe look            ends with status 0 if "/etc/passwd" cannot be opened, else 4
 *
 * probe.py holds it compiled for Linux on x86-64, and says how; a test compiles it anew and
 * compares.
 */

enum { READ, WRITE, OPEN, CLOSE, NANOSLEEP = 35, EXIT = 60, MKDIR = 83 };
enum { WRITE_ONLY_CREATE = 0101 };

static long call(long number, long first, long second, long third)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}

static void end(int status)
{
    for (;;) {
        call(EXIT, status, 0, 0);
    }
}

static long open_file(const char *path, int flags, int mode)
{
    long file = call(OPEN, (long)path, flags, mode);
    if (file < 0) {
        end(9);
    }
    return file;
}

static void put(const char *path, const char *text, long size, int mode)
{
    long file = open_file(path, WRITE_ONLY_CREATE, mode);
    if (call(WRITE, file, (long)text, size) != size) {
        end(9);
    }
    call(CLOSE, file, 0, 0);
}

static void copy_input(void)
{
    static char buffer[4096];
    long file = open_file("input", 0, 0);
    long size = call(READ, file, (long)buffer, sizeof buffer);
    if (size < 0) {
        end(9);
    }
    put("out/file", buffer, size, 0755);
}

static void make_tree(void)
{
    call(MKDIR, (long)"out/tree", 0755, 0);
    call(MKDIR, (long)"out/tree/sub", 0755, 0);
    put("out/tree/one", "one\n", 4, 0644);
    put("out/tree/sub/two", "two\n", 4, 0644);
}

static void wait_a_minute(void)
{
    const long time[2] = {60, 0};
    call(NANOSLEEP, (long)time, 0, 0);
}

__attribute__((used)) static void run(const long *stack)
{
    const char *what = stack[0] > 1 ? (const char *)stack[2] : "";
    switch (what[0]) {
    case 'e':
        end(3);
    case 's':
        if (what[1] == 'l') {
            wait_a_minute();
        } else {
            call(WRITE, 1, (long)"to stdout\n", 10);
            call(WRITE, 2, (long)"to stderr\n", 10);
        }
        break;
    case 'f':
        copy_input();
        break;
    case 't':
        make_tree();
        break;
    case 'l':
        end(call(OPEN, (long)"/etc/passwd", 0, 0) < 0 ? 0 : 4);
    default:
        break;
    }
    end(0);
}

__asm__(".globl _start\n_start:\n    mov %rsp, %rdi\n    and $-16, %rsp\n    call run\n");
