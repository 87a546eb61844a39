/*
 * The vDSO: a shared object of less than a page with what C libraries and Go's runtime look for in
 * Linux's (vdso(7)): __vdso_clock_gettime and its like, version LINUX_2.6. It has no section
 * headers; all of it is reached through the dynamic segment. All symbols are in one bucket of the
 * hash table, since whoever looks does so once at its start.
 *
 * Clocks that run on the time stamp counter are answered here, any other by the kernel.
 */

    .set SYMBOLS, 5
    .set CALL_CLOCK_GETTIME, 228
    .set CALL_CLOCK_GETRES, 229
    /* CLOCK_REALTIME, _MONOTONIC, _MONOTONIC_RAW, both _COARSE, _BOOTTIME. */
    .set CLOCKS_HERE, 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7
    .set CLOCKS_OF_DAY, 1 << 0 | 1 << 5
    .set CLOCK_LAST, 7
    .set NANOSECONDS_PER_SECOND, 1000000000

    .section .rodata.ub_vdso, "a", @progbits
    .balign 16
    .globl ub_vdso_file
ub_vdso_file:

/* Elf64_Ehdr */
    .byte 0x7f
    .ascii "ELF"
    .byte 2, 1, 1, 0        /* 64 bits, little-endian, version 1, System V */
    .quad 0
    .short 3, 62            /* ET_DYN, EM_X86_64 */
    .long 1
    .quad 0                 /* no entry */
    .quad headers - ub_vdso_file
    .quad 0
    .long 0
    .short 64, 56, 2, 64, 0, 0

headers:                    /* Elf64_Phdr: PT_LOAD, PT_DYNAMIC */
    .long 1, 5
    .quad 0, 0, 0, ub_vdso_file_end - ub_vdso_file, ub_vdso_file_end - ub_vdso_file, 4096
    .long 2, 4
    .quad dynamic - ub_vdso_file, dynamic - ub_vdso_file, dynamic - ub_vdso_file
    .quad dynamic_end - dynamic, dynamic_end - dynamic, 8

dynamic:
    .quad 4, hash - ub_vdso_file
    .quad 5, strings - ub_vdso_file
    .quad 6, symbols - ub_vdso_file
    .quad 10, strings_end - strings
    .quad 11, 24
    .quad 14, name_soname - strings
    .quad 0x6ffffff0, versions - ub_vdso_file
    .quad 0x6ffffffc, definitions - ub_vdso_file
    .quad 0x6ffffffd, 2
    .quad 0, 0
dynamic_end:

/* Elf64_Sym: any section but SHN_UNDEF and SHN_ABS, as there are none. */
    .macro symbol name
    .long name_\name - strings
    .byte 0x12, 0           /* STB_GLOBAL, STT_FUNC */
    .short 1
    .quad \name - ub_vdso_file, \name\()_end - \name
    .endm

symbols:
    .quad 0, 0, 0
    symbol clock_gettime
    symbol gettimeofday
    symbol time
    symbol getcpu
    symbol clock_getres

hash:                       /* buckets, symbols; the bucket; each symbol's next */
    .long 1, SYMBOLS + 1
    .long 1
    .long 0, 2, 3, 4, 5, 0

definitions:                /* Elf64_Verdef with its Elf64_Verdaux, twice */
    .short 1, 1, 1, 1       /* the file itself, VER_FLG_BASE */
    .long 0x0deebfa1, 20, 28, name_soname - strings, 0
    .short 1, 0, 2, 1
    .long 0x03ae75f6, 20, 0, name_version - strings, 0

versions:
    .short 0
    .rept SYMBOLS
    .short 2
    .endr

strings:
    .byte 0
name_soname:
    .asciz "linux-vdso.so.1"
name_version:
    .asciz "LINUX_2.6"
name_clock_gettime:
    .asciz "__vdso_clock_gettime"
name_gettimeofday:
    .asciz "__vdso_gettimeofday"
name_time:
    .asciz "__vdso_time"
name_getcpu:
    .asciz "__vdso_getcpu"
name_clock_getres:
    .asciz "__vdso_clock_getres"
strings_end:

    .balign 8
    .globl ub_vdso_clock_place
ub_vdso_clock_place:        /* struct ub_vdso_clock */
start:
    .quad 0
scale:
    .quad 0
epoch:
    .quad 0

/* RAX: nanoseconds since boot. Spoils RDX. The fence keeps the reading where it stands. */
    .macro nanoseconds_since_boot
    lfence
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    subq start(%rip), %rax
    mulq scale(%rip)
    shrdq $32, %rdx, %rax
    .endm

/* RAX: seconds, RDX: the rest, of the nanoseconds in RAX. Spoils RCX. */
    .macro split_seconds
    movl $NANOSECONDS_PER_SECOND, %ecx
    xorl %edx, %edx
    divq %rcx
    .endm

/* int clock_gettime(clockid_t clock, struct timespec *result) */
    .balign 16
clock_gettime:
    cmpl $CLOCK_LAST, %edi
    ja 2f
    movl $CLOCKS_HERE, %eax
    btl %edi, %eax
    jnc 2f
    nanoseconds_since_boot
    movl $CLOCKS_OF_DAY, %ecx
    btl %edi, %ecx
    jnc 1f
    addq epoch(%rip), %rax
1:  split_seconds
    movq %rax, (%rsi)
    movq %rdx, 8(%rsi)
    xorl %eax, %eax
    ret
2:  movl $CALL_CLOCK_GETTIME, %eax
    syscall
    ret
clock_gettime_end:

/* int gettimeofday(struct timeval *result, struct timezone *zone) */
    .balign 16
gettimeofday:
    testq %rdi, %rdi
    jz 1f
    nanoseconds_since_boot
    addq epoch(%rip), %rax
    split_seconds
    movq %rax, (%rdi)
    movl %edx, %eax
    xorl %edx, %edx
    movl $1000, %ecx
    divl %ecx
    movq %rax, 8(%rdi)
1:  testq %rsi, %rsi
    jz 2f
    movq $0, (%rsi)
2:  xorl %eax, %eax
    ret
gettimeofday_end:

/* time_t time(time_t *result) */
    .balign 16
time:
    nanoseconds_since_boot
    addq epoch(%rip), %rax
    split_seconds
    testq %rdi, %rdi
    jz 1f
    movq %rax, (%rdi)
1:  ret
time_end:

/* int getcpu(unsigned *processor, unsigned *node, void *unused): there is one processor. */
    .balign 16
getcpu:
    xorl %eax, %eax
    testq %rdi, %rdi
    jz 1f
    movl %eax, (%rdi)
1:  testq %rsi, %rsi
    jz 2f
    movl %eax, (%rsi)
2:  ret
getcpu_end:

/* int clock_getres(clockid_t clock, struct timespec *result) */
    .balign 16
clock_getres:
    cmpl $CLOCK_LAST, %edi
    ja 2f
    movl $CLOCKS_HERE, %eax
    btl %edi, %eax
    jnc 2f
    testq %rsi, %rsi
    jz 1f
    movq $0, (%rsi)
    movq $1, 8(%rsi)
1:  xorl %eax, %eax
    ret
2:  movl $CALL_CLOCK_GETRES, %eax
    syscall
    ret
clock_getres_end:

    .balign 8
    .globl ub_vdso_file_end
ub_vdso_file_end:

    .section .note.GNU-stack, "", @progbits
