/*
 * Programs in ring 3: how the processor gets into one and back, and how the kernel reaches its
 * memory.
 *
 * The program has the lower half of the address space, the kernel the upper; no page of the upper
 * half is reachable from ring 3. The kernel never uses a pointer of the program by itself: it
 * copies, with the functions below, which alone lift SMAP, and which answer a bad address instead
 * of faulting.
 *
 * A program's thread has a kernel stack, on which all its system calls, faults and interrupts run.
 * Whatever brings the processor from the program into the kernel leaves the program's registers at
 * the top of that stack, always in the same form, so that one place can look at them, change them
 * (signals) and go back. Vector state stays in the registers; a switch between threads keeps it.
 *
 * Against the program stand: SMEP, SMAP, UMIP where the processor has them; no page of the kernel's
 * half with the user bit; no interrupt gate but int3's; no FSGSBASE, performance counters or ports
 * (the time stamp counter may be read). Not done, as one program is all that an image has: page
 * tables of the kernel's own (Meltdown), barriers against speculation between the two.
 *
 * Images whose program is linked with the kernel have none of this.
 */
#ifndef UNIBUILD_USER_H
#define UNIBUILD_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <unibuild/exception.h>

/* The first address that is not the program's. The last page below the middle stays empty. */
#define UB_USER_END 0x00007ffffffff000UL

/* ---- The program's registers ---------------------------------------------------------------- */

/* In a frame's `vector`: a system call brought it; `error` is the call's number then. */
#define UB_VECTOR_CALL 0x100

/* The registers of the calling thread, as it left ring 3. Changes hold when it goes back. */
struct ub_exception_frame *ub_user_frame(void);

/* Whether a frame is the program's. */
static inline bool ub_frame_is_user(const struct ub_exception_frame *frame)
{
    return (frame->code_segment & 3) == 3;
}

/*
 * Puts what a program may not choose in a frame that it has had a hand in (rt_sigreturn): segments,
 * and of the flags those that ring 3 cannot change. Returns false when the instruction pointer is
 * outside the program's half.
 */
bool ub_user_frame_check(struct ub_exception_frame *frame);

/*
 * Leaves for ring 3 for the first time, in the thread that boots the image and on its stack, of
 * which nothing is left: general registers zero, default vector state.
 */
_Noreturn void ub_user_enter(uint64_t instruction_pointer, uint64_t stack_pointer);

/*
 * The GS base that the program has (arch_prctl). False when the address is not the program's. The
 * FS base is ub_thread_pointer_set's, which does not check: an address from UB_USER_END on is
 * -EPERM.
 */
uint64_t ub_user_gs_base_get(void);
bool ub_user_gs_base_set(uint64_t base);

/* ---- Vector state ------------------------------------------------------------------------------
 */

/*
 * The calling thread's x87, SSE and AVX state as Linux's signal frames hold it: written to an
 * address that is a multiple of 64, `ub_user_vector_size` bytes. It may be 2.7 KiB and more.
 */
size_t ub_user_vector_size(void);
/* False: -EFAULT. */
bool ub_user_vector_save(uint64_t to);
/*
 * Takes back what ub_user_vector_save wrote and the program may have changed; 0 is the state at a
 * program's start. False when it is not there or not sound (SIGSEGV): the thread has the state of a
 * program's start then.
 */
bool ub_user_vector_restore(uint64_t from);

/* ---- The program's memory ------------------------------------------------------------------- */

/* All may be called wherever a page fault is allowed: no spinlock held, not in a handler. */

/* False (answer -EFAULT) when not every byte is there and allows it; some may have been copied. */
bool ub_user_copy_in(void *to, uint64_t from, size_t size);
bool ub_user_copy_out(uint64_t to, const void *from, size_t size);
bool ub_user_zero(uint64_t to, size_t size);
/* Whether ub_user_copy_out would do now: for what must not be lost, asked before it is taken. */
bool ub_user_writable(uint64_t to, size_t size);

/* Copies a string with its NUL. Its length, -EFAULT, or -ENAMETOOLONG when `size` is too small. */
long ub_user_string_in(char *to, uint64_t from, size_t size);

/* One aligned word, as one access. An address that is not a multiple of 4 is false. */
bool ub_user_load32(uint64_t from, uint32_t *value);
bool ub_user_store32(uint64_t to, uint32_t value);
/* Atomic: stores `desired` where `*expected` was found, and always tells what was found. */
bool ub_user_exchange32(uint64_t at, uint32_t *expected, uint32_t desired);

/* ---- Threads -------------------------------------------------------------------------------- */

struct ub_thread;

/*
 * A thread of the program, prepared but not started: a copy of the caller's registers and vector
 * state with `result` 0 in RAX, its own stack pointer (0: the caller's) and thread pointer. The
 * caller sets what else there is (signal mask, clear_tid, release) and calls ub_thread_start. NULL
 * when memory is out. ub_user_thread_free gives back what it has (from a `release`).
 */
struct ub_thread *ub_user_thread_create(uint64_t stack_pointer, uint64_t thread_pointer);
void ub_user_thread_free(struct ub_thread *thread);

/* ---- What other components answer ------------------------------------------------------------ */

/*
 * Carries out a system call: the number is in frame->error, the result goes to frame->rax.
 * Interrupts enabled. kernel/linux/call defines it.
 */
void ub_user_call(struct ub_exception_frame *frame);

/*
 * The program did what the processor refuses and no page fault resolved: exception `frame->vector`,
 * at `address` for page faults. Makes a signal of it; returns to let the thread go on. Optional, as
 * the next one: kernel/user refers to both weakly, so what sets handlers (rt_sigaction) has to
 * bring their object. Without it: ub_user_end with ub_user_fault_signal.
 */
void ub_user_fault(struct ub_exception_frame *frame, uint64_t address);
/* The signal that Linux sends for the exception. */
int ub_user_fault_signal(const struct ub_exception_frame *frame);

/*
 * Runs before a return to ring 3 as long as the thread's `leave` is set (scheduler.h), interrupts
 * enabled, no lock held. May change the frame, with ub_user_frame_check behind whatever the program
 * had a hand in. Optional.
 */
void ub_user_leave(struct ub_exception_frame *frame);

/*
 * Prints what lies where in the program's half, for the host to find names in the report that
 * follows, one line for each file that is mapped: `\x1e[unibuild] object START END BIAS PATH`, in
 * hexadecimal; BIAS is what was added to the addresses in the file. Optional (the loader's).
 */
void ub_user_describe(void);

/*
 * The report and the end for a signal that the program does not handle: which signal and why, the
 * thread, its registers and a backtrace of program addresses for the host to put names to; exit
 * status 128 + signal.
 */
_Noreturn void ub_user_end(const struct ub_exception_frame *frame, int signal, uint64_t address);

#endif
