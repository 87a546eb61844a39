/*
 * The program's vector state: x87, SSE, AVX and AVX-512, as far as the processor has them.
 *
 * The kernel uses general registers only, so the state stays in the registers across calls, faults
 * and switches to kernel threads. It goes to memory when another thread of the program is to run,
 * and the registers remember whose state they hold.
 *
 * In memory it is what XSAVE writes in its standard form (Intel SDM vol. 1, 13.4), or FXSAVE where
 * there is no XSAVE. Bytes 464 to 511, which are the system's to use, tell what Linux's signal
 * frames tell there (arch/x86/include/uapi/asm/sigcontext.h): a magic number, sizes, and which
 * parts there are; four bytes with another magic number come behind all.
 */
#include "internal.h"

#include <unibuild/interrupt.h>
#include <unibuild/memory.h>
#include <unibuild/registers.h>

#include <string.h>

#define ALIGNMENT 64UL
#define LEGACY_SIZE 512UL
#define HEADER_SIZE 64UL
#define DEFAULT_FLOAT_CONTROL 0x037f
#define DEFAULT_VECTOR_CONTROL 0x1f80
#define DEFAULT_VECTOR_MASK 0xffbf
#define MAGIC 0x46505853
#define MAGIC_END 0x46505845

#define PART_X87 0x01UL
#define PART_SSE 0x02UL
#define PART_AVX 0x04UL
#define PARTS_AVX512 0xe0UL

struct __attribute__((aligned(16))) legacy {
    uint16_t float_control, float_status;
    uint8_t float_tags, reserved;
    uint16_t float_opcode;
    uint64_t float_instruction, float_data;
    uint32_t vector_control, vector_control_mask;
    uint8_t registers[432];
    struct {
        uint32_t magic, size_with_end;
        uint64_t parts;
        uint32_t size;
        uint32_t reserved[7];
    } told;
};
_Static_assert(sizeof(struct legacy) == LEGACY_SIZE, "Intel SDM vol. 1, 10.5.1");
_Static_assert(offsetof(struct legacy, told) == 464, "Intel SDM vol. 1, 10.5.1");

struct header {
    uint64_t parts;
    uint64_t compact;
    uint64_t reserved[6];
};
_Static_assert(sizeof(struct header) == HEADER_SIZE, "Intel SDM vol. 1, 13.4.2");

static uint64_t parts; /* 0: no XSAVE */
static size_t size = LEGACY_SIZE;
static uint32_t control_mask = DEFAULT_VECTOR_MASK;

static void save_registers(unsigned char *to)
{
    if (parts != 0) {
        __asm__ volatile("xsave64 (%0)"
                         :
                         : "r"(to), "a"((uint32_t)parts), "d"((uint32_t)(parts >> 32))
                         : "memory");
    } else {
        __asm__ volatile("fxsave64 (%0)" : : "r"(to) : "memory");
    }
}

static void load_registers(const unsigned char *from)
{
    if (parts != 0) {
        __asm__ volatile("xrstor64 (%0)"
                         :
                         : "r"(from), "a"((uint32_t)parts), "d"((uint32_t)(parts >> 32))
                         : "memory");
    } else {
        __asm__ volatile("fxrstor64 (%0)" : : "r"(from) : "memory");
    }
}

static uint64_t parts_wanted(void)
{
    struct ub_cpuid offer = ub_cpuid(0xd, 0);
    uint64_t wanted = offer.eax & (PART_X87 | PART_SSE | PART_AVX | PARTS_AVX512);
    if ((wanted & PART_AVX) == 0 || (wanted & PARTS_AVX512) != PARTS_AVX512) {
        wanted &= ~PARTS_AVX512;
    }
    return wanted;
}

void ub_user_vector_initialize(void)
{
    static struct legacy probe;
    __asm__ volatile("fxsave64 %0" : "=m"(probe));
    if (probe.vector_control_mask != 0) {
        control_mask = probe.vector_control_mask;
    }
    if ((ub_cpuid(1, 0).ecx & UB_CPUID1_ECX_XSAVE) == 0) {
        return;
    }
    ub_control4_write(ub_control4_read() | UB_CONTROL4_OSXSAVE);
    parts = parts_wanted();
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)parts), "d"(0));
    size = ub_cpuid(0xd, 0).ebx;
}

static void tell(unsigned char *state)
{
    struct legacy *legacy = (struct legacy *)state;
    memset(&legacy->told, 0, sizeof legacy->told);
    if (parts != 0) {
        legacy->told.magic = MAGIC;
        legacy->told.size_with_end = (uint32_t)(size + sizeof(uint32_t));
        legacy->told.parts = parts;
        legacy->told.size = (uint32_t)size;
    }
}

static void set_default(unsigned char *state)
{
    struct legacy *legacy = (struct legacy *)state;
    memset(state, 0, size);
    legacy->float_control = DEFAULT_FLOAT_CONTROL;
    legacy->vector_control = DEFAULT_VECTOR_CONTROL;
    tell(state);
}

bool ub_user_vector_create(struct ub_user *user)
{
    user->vector_memory = ub_heap_allocate(size + ALIGNMENT);
    if (user->vector_memory == NULL) {
        return false;
    }
    uint64_t start = ((uint64_t)user->vector_memory + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    user->vector = (unsigned char *)start;
    set_default(user->vector);
    return true;
}

void ub_user_vector_free(struct ub_user *user)
{
    unsigned long flags = ub_interrupt_disable();
    struct ub_user_cpu *cpu = ub_user_cpu();
    if (cpu->vector_owner == user) {
        cpu->vector_owner = NULL;
    }
    ub_interrupt_restore(flags);
    ub_heap_free(user->vector_memory);
}

void ub_user_vector_store(struct ub_user *user)
{
    if (ub_user_cpu()->vector_owner == user) {
        save_registers(user->vector);
    }
}

void ub_user_vector_load(struct ub_user *user)
{
    struct ub_user_cpu *cpu = ub_user_cpu();
    if (cpu->vector_owner == user || user->vector_rewritten) {
        return;
    }
    if (cpu->vector_owner != NULL) {
        save_registers(cpu->vector_owner->vector);
    }
    cpu->vector_owner = user;
    load_registers(user->vector);
}

static struct ub_user *store_current(void)
{
    unsigned long flags = ub_interrupt_disable();
    struct ub_user *user = ub_user_cpu()->user;
    ub_user_vector_store(user);
    ub_interrupt_restore(flags);
    return user;
}

void ub_user_vector_copy(struct ub_user *to)
{
    memcpy(to->vector, store_current()->vector, size);
}

size_t ub_user_vector_size(void)
{
    return parts != 0 ? size + sizeof(uint32_t) : size;
}

bool ub_user_vector_save(uint64_t to)
{
    static const uint32_t end = MAGIC_END;
    const struct ub_user *user = store_current();
    return to % ALIGNMENT == 0 && ub_user_copy_out(to, user->vector, size) &&
           (parts == 0 || ub_user_copy_out(to + size, &end, sizeof end));
}

/* Takes the state as the program has it; what it does not bring is as at a program's start. */
static bool copy_state_in(unsigned char *state, uint64_t from)
{
    const struct legacy *legacy = (const struct legacy *)state;
    if (!ub_user_copy_in(state, from, LEGACY_SIZE)) {
        return false;
    }
    if (parts == 0) {
        return true;
    }
    struct header *header = (struct header *)(state + LEGACY_SIZE);
    uint32_t end = 0;
    if (legacy->told.magic != MAGIC || legacy->told.size != size ||
        !ub_user_copy_in(&end, from + size, sizeof end) || end != MAGIC_END) {
        memset(header, 0, sizeof *header);
        header->parts = PART_X87 | PART_SSE;
        return true;
    }
    if (!ub_user_copy_in(header, from + LEGACY_SIZE, size - LEGACY_SIZE)) {
        return false;
    }
    bool clean = header->compact == 0 && (header->parts & ~parts) == 0;
    for (size_t i = 0; i < sizeof header->reserved / sizeof *header->reserved; i++) {
        clean = clean && header->reserved[i] == 0;
    }
    return clean;
}

bool ub_user_vector_restore(uint64_t from)
{
    unsigned long flags = ub_interrupt_disable();
    struct ub_user_cpu *cpu = ub_user_cpu();
    struct ub_user *user = cpu->user;
    user->vector_rewritten = true;
    cpu->vector_owner = NULL;
    ub_interrupt_restore(flags);

    bool good = from != 0 && from % ALIGNMENT == 0 && copy_state_in(user->vector, from) &&
                (((struct legacy *)user->vector)->vector_control & ~control_mask) == 0;
    if (good) {
        tell(user->vector);
    } else {
        set_default(user->vector);
    }

    flags = ub_interrupt_disable();
    user->vector_rewritten = false;
    ub_user_vector_load(user);
    ub_interrupt_restore(flags);
    return good || from == 0;
}
