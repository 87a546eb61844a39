/*
 * The only instructions that use a pointer of the program. Each function lies between the two ends,
 * keeps nothing on the stack, and is left through `done` with its result in RAX; a fault at an
 * address of the program goes on at ub_user_access_fault, as if it had returned -EFAULT. Addresses
 * have been checked to be below UB_USER_END.
 */
#define PAGE_SIZE 4096
#define EFAULT 14
#define ENAMETOOLONG 36

    .macro begin name
    .globl \name
    .type \name, @function
    .balign 16
\name:
    cmpb $0, ub_user_has_access_prevention(%rip)
    je 1f
    stac
1:
    .endm

    .section .text.ub_user_access, "ax", @progbits
    .globl ub_user_access_start
ub_user_access_start:

    /* long ub_user_move(void *to, const void *from, size_t size): either may be the program's */
    begin ub_user_move
    movq %rdx, %rcx
    shrq $3, %rcx
    rep movsq
    movl %edx, %ecx
    andl $7, %ecx
    rep movsb
    xorl %eax, %eax
    jmp done

    /* long ub_user_clear(void *to, size_t size) */
    begin ub_user_clear
    xorl %eax, %eax
    movq %rsi, %rcx
    shrq $3, %rcx
    rep stosq
    movl %esi, %ecx
    andl $7, %ecx
    rep stosb
    jmp done

    /* long ub_user_touch(char *at, size_t size): writes what is there, once a page; size > 0 */
    begin ub_user_touch
    leaq -1(%rdi,%rsi), %rsi
2:  lock orb $0, (%rdi)
    addq $PAGE_SIZE, %rdi
    cmpq %rsi, %rdi
    jb 2b
    lock orb $0, (%rsi)
    xorl %eax, %eax
    jmp done

    /* long ub_user_string(char *to, const char *from, size_t size): the length, or -ENAMETOOLONG */
    begin ub_user_string
    xorl %eax, %eax
2:  cmpq %rdx, %rax
    jae 3f
    movb (%rsi,%rax), %cl
    movb %cl, (%rdi,%rax)
    testb %cl, %cl
    jz done
    incq %rax
    jmp 2b
3:  movq $-ENAMETOOLONG, %rax
    jmp done

    /* long ub_user_load(const uint32_t *from, uint32_t *value) */
    begin ub_user_load
    movl (%rdi), %eax
    movl %eax, (%rsi)
    xorl %eax, %eax
    jmp done

    /* long ub_user_store(uint32_t *to, uint32_t value) */
    begin ub_user_store
    movl %esi, (%rdi)
    xorl %eax, %eax
    jmp done

    /* long ub_user_exchange(uint32_t *at, uint32_t *expected, uint32_t desired) */
    begin ub_user_exchange
    movl (%rsi), %eax
    lock cmpxchgl %edx, (%rdi)
    movl %eax, (%rsi)
    xorl %eax, %eax
    jmp done

    .globl ub_user_access_fault
ub_user_access_fault:
    movq $-EFAULT, %rax
done:
    cmpb $0, ub_user_has_access_prevention(%rip)
    je 1f
    clac
1:  ret

    .globl ub_user_access_end
ub_user_access_end:
