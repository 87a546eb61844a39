/* ELF headers: a sound file, then each rule broken by one field, then random damage, under which
 * whatever is accepted has to be safe to map. */
#include "program_elf.h"

#include <unibuild/program_memory.h>
#include <unibuild/user.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 300000
#define DAMAGE_MAXIMUM 4
#define PATH "/lib/ld.so"

/* Text, data with zeroes behind it, and an interpreter. */
struct file {
    Elf64_Ehdr header;
    Elf64_Phdr headers[3];
    char path[16];
    unsigned char rest[3 * 4096];
};

static struct file sound(void)
{
    struct file file = {
        .header =
            {
                .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                            EV_CURRENT},
                .e_type = ET_EXEC,
                .e_machine = EM_X86_64,
                .e_version = EV_CURRENT,
                .e_entry = 0x400200,
                .e_phoff = sizeof(Elf64_Ehdr),
                .e_phentsize = sizeof(Elf64_Phdr),
                .e_phnum = 3,
            },
        .headers =
            {
                {PT_INTERP, PF_R, offsetof(struct file, path), 0, 0, sizeof PATH, sizeof PATH, 1},
                {PT_LOAD, PF_R | PF_X, 0, 0x400000, 0, 0x1100, 0x1100, 4096},
                {PT_LOAD, PF_R | PF_W, 0x1100, 0x402100, 0, 0x300, 0x2000, 4096},
            },
        .path = PATH,
    };
    return file;
}

static int failures;

static void expect(const char *what, const char *wrong, const char *expected)
{
    bool same = wrong == NULL || expected == NULL ? wrong == expected : !strcmp(wrong, expected);
    if (!same) {
        fprintf(stderr, "%s: <%s>, not <%s>\n", what, wrong == NULL ? "sound" : wrong,
                expected == NULL ? "sound" : expected);
        failures++;
    }
}

static void check_sound(void)
{
    struct file file = sound();
    struct ub_elf elf;
    expect("sound", ub_elf_read(&file, sizeof file, &elf), NULL);
    const struct ub_segment *text = &elf.segments[0];
    const struct ub_segment *data = &elf.segments[1];
    bool right = !elf.movable && elf.headers == 0x400040 && elf.header_count == 3 &&
                 elf.segment_count == 2 && strcmp(elf.interpreter, PATH) == 0 &&
                 text->address == 0x400000 && text->size == 0x2000 && text->offset == 0 &&
                 text->count == 0x2000 && text->access == (UB_PROGRAM_READ | UB_PROGRAM_EXECUTE) &&
                 data->address == 0x402000 && data->size == 0x3000 && data->offset == 0x1000 &&
                 data->count == 0x400 && data->access == (UB_PROGRAM_READ | UB_PROGRAM_WRITE) &&
                 ub_elf_lowest(&elf) == 0x400000 && ub_elf_end(&elf) == 0x405000;
    if (!right) {
        fprintf(stderr, "a sound file is read wrongly\n");
        failures++;
    }
}

#define BROKEN(expected, ...)                                                                      \
    do {                                                                                           \
        struct file file = sound();                                                                \
        Elf64_Ehdr *header = &file.header;                                                         \
        Elf64_Phdr *interpreter = &file.headers[0], *text = &file.headers[1],                      \
                   *data = &file.headers[2];                                                       \
        (void)header, (void)interpreter, (void)text, (void)data;                                   \
        struct ub_elf elf;                                                                         \
        __VA_ARGS__;                                                                               \
        expect(#__VA_ARGS__, ub_elf_read(&file, sizeof file, &elf), expected);                     \
    } while (0)

static void check_broken_header(void)
{
    BROKEN("not an ELF file", header->e_ident[0] = 'E');
    BROKEN("not for x86-64", header->e_ident[EI_CLASS] = ELFCLASS32);
    BROKEN("not for x86-64", header->e_ident[EI_DATA] = ELFDATA2MSB);
    BROKEN("not for x86-64", header->e_machine = EM_AARCH64);
    BROKEN("unknown version of ELF", header->e_ident[EI_VERSION] = 2);
    BROKEN("unknown version of ELF", header->e_version = 0);
    BROKEN("not an executable", header->e_type = ET_REL);
    const char *headers = "program headers outside the file, none, or too many";
    BROKEN(headers, header->e_phentsize = 55);
    BROKEN(headers, header->e_phnum = 0);
    BROKEN(headers, header->e_phnum = 65);
    BROKEN(headers, header->e_phoff = UINT64_MAX);
    BROKEN(headers, header->e_phoff = sizeof file - 3 * sizeof(Elf64_Phdr) + 1);
    BROKEN("the entry is not in an executable segment", header->e_entry = 0x402100);
    BROKEN("the entry is not in an executable segment", header->e_entry = 0);
    BROKEN("the entry is not in an executable segment", text->p_type = data->p_type = PT_NULL);
}

static void check_broken_segments(void)
{
    BROKEN("a segment outside the file", data->p_memsz = data->p_filesz - 1);
    BROKEN("a segment outside the file", data->p_offset = UINT64_MAX - 0xeff);
    BROKEN("a segment outside the file", text->p_filesz = text->p_memsz = sizeof file + 1);
    BROKEN("a segment is not aligned", data->p_vaddr += 1);
    BROKEN("a segment is not aligned", text->p_align = 0x3000);
    BROKEN("a segment is not aligned", text->p_align = 1UL << 63);
    BROKEN("a segment outside the program's addresses", text->p_vaddr = 0);
    BROKEN("a segment outside the program's addresses", data->p_vaddr = UB_USER_END + 0x100);
    BROKEN("a segment outside the program's addresses", data->p_vaddr = 0xffffffff80000100);
    BROKEN("a segment outside the program's addresses", data->p_memsz = UINT64_MAX);
    BROKEN("segments overlap, or are not in order", data->p_vaddr = 0x401100);
    BROKEN("segments overlap, or are not in order", data->p_vaddr = 0x300100);
    BROKEN("two interpreters", data->p_type = PT_INTERP);
    BROKEN("the interpreter's path is broken", interpreter->p_filesz -= 1);
    BROKEN("the interpreter's path is broken", interpreter->p_filesz += 1);
    BROKEN("the interpreter's path is broken", interpreter->p_filesz = 1);
    BROKEN("the interpreter's path is broken", interpreter->p_offset = UINT64_MAX - 4);
    BROKEN(NULL, header->e_type = ET_DYN; text->p_vaddr = 0x0; header->e_entry = 0x200);
    BROKEN(NULL, data->p_filesz = 0; data->p_offset = 0x100);
}

static bool is_safe(const struct file *file, uint64_t size, const struct ub_elf *elf)
{
    uint64_t end = elf->movable ? 0 : UB_PROGRAM_LOWEST;
    for (size_t i = 0; i < elf->segment_count; i++) {
        const struct ub_segment *segment = &elf->segments[i];
        if (segment->address < end || segment->size == 0 || segment->count > segment->size ||
            segment->address > UB_USER_END || segment->size > UB_USER_END + 1 - segment->address ||
            (segment->count > 0 &&
             (segment->offset > size || segment->count > size - segment->offset)) ||
            ((segment->address | segment->size | segment->offset) & 4095) != 0) {
            return false;
        }
        end = segment->address + segment->size;
    }
    const char *path = elf->interpreter;
    const char *start = (const char *)file;
    return path == NULL || (path >= start && path < start + size &&
                            memchr(path, 0, (size_t)(start + size - path)) != NULL);
}

/* Bytes of the headers, and the file's length, at random. */
static void check_damage(unsigned seed)
{
    srand(seed);
    struct file file = sound();
    uint64_t size = rand() % 8 == 0 ? (uint64_t)rand() % sizeof file : sizeof file;
    for (int i = rand() % DAMAGE_MAXIMUM; i >= 0; i--) {
        static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
        size_t at = (size_t)rand() % offsetof(struct file, rest);
        ((unsigned char *)&file)[at] =
            rand() % 2 == 0 ? values[(size_t)rand() % sizeof values] : (unsigned char)rand();
    }
    unsigned char *exact = malloc(size + 1);
    memcpy(exact, &file, size);
    exact[size] = 'x'; /* no NUL by chance behind the end */
    struct ub_elf elf;
    if (ub_elf_read(exact, size, &elf) == NULL &&
        !is_safe((const struct file *)(void *)exact, size, &elf)) {
        fprintf(stderr, "seed %u: a damaged file is accepted that cannot be mapped\n", seed);
        failures++;
    }
    free(exact);
}

int main(void)
{
    check_sound();
    check_broken_header();
    check_broken_segments();
    for (unsigned seed = 0; seed < ROUNDS && failures == 0; seed++) {
        check_damage(seed);
    }
    return failures != 0;
}
