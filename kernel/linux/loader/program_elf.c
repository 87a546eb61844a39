/*
 * The checks of an ELF file (System V gABI, chapters 4 and 5; psABI for x86-64):
 *
 *  1. An ELF64 file of version 1 for x86-64, little-endian, executable (ET_EXEC, ET_DYN).
 *  2. 1 to 64 program headers of the usual size, all in the file.
 *  3. Each segment's bytes lie in the file and are not more than it has in memory; address and
 *     offset are the same within a page; alignments are powers of two.
 *  4. 1 to 16 segments in rising order, no page in two of them, all in the program's half, and
 *     above UB_PROGRAM_LOWEST when the program cannot be moved.
 *  5. The entry lies in an executable segment.
 *  6. At most one interpreter, a path that ends with the only NUL that its header covers.
 */
#include "program_elf.h"

#include <unibuild/program_memory.h>
#include <unibuild/user.h>

#include <elf.h>
#include <string.h>

#define HEADERS_MAXIMUM 64
#define PATH_MAXIMUM 4096
#define PAGE 4096UL
#define PAGE_MASK (PAGE - 1)

struct reader {
    const unsigned char *file;
    uint64_t size;
    struct ub_elf *elf;
};

static bool in_file(const struct reader *reader, uint64_t offset, uint64_t size)
{
    return offset <= reader->size && size <= reader->size - offset;
}

static const char *check_header(const struct reader *reader, Elf64_Ehdr *header)
{
    if (!in_file(reader, 0, sizeof *header)) {
        return "too short for an ELF file";
    }
    memcpy(header, reader->file, sizeof *header);
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
        return "not an ELF file";
    }
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_X86_64) {
        return "not for x86-64";
    }
    if (header->e_ident[EI_VERSION] != EV_CURRENT || header->e_version != EV_CURRENT) {
        return "unknown version of ELF";
    }
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN) {
        return "not an executable";
    }
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
        header->e_phnum > HEADERS_MAXIMUM ||
        !in_file(reader, header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr))) {
        return "program headers outside the file, none, or too many";
    }
    return NULL;
}

static unsigned access_of(uint32_t flags)
{
    unsigned access = 0;
    access |= (flags & (PF_R | PF_W | PF_X)) != 0 ? UB_PROGRAM_READ : 0;
    access |= (flags & PF_W) != 0 ? UB_PROGRAM_WRITE : 0;
    access |= (flags & PF_X) != 0 ? UB_PROGRAM_EXECUTE : 0;
    return access;
}

/*
 * How many bytes of the file a segment shows from its first page on. Without zeroes at its end the
 * last page may show what follows in the file, as on Linux, which saves a copy of the page.
 */
static uint64_t count_of(const struct reader *reader, const Elf64_Phdr *header)
{
    if (header->p_filesz == 0) {
        return 0;
    }
    uint64_t before = header->p_vaddr & PAGE_MASK;
    uint64_t count = before + header->p_filesz;
    if (header->p_filesz == header->p_memsz) {
        uint64_t rest = reader->size - (header->p_offset - before);
        count = (count + PAGE_MASK) & ~PAGE_MASK;
        count = count < rest ? count : rest;
    }
    return count;
}

static const char *add_segment(const struct reader *reader, const Elf64_Phdr *header)
{
    struct ub_elf *elf = reader->elf;
    uint64_t alignment = header->p_align > PAGE ? header->p_align : PAGE;
    if (header->p_filesz > header->p_memsz ||
        !in_file(reader, header->p_offset, header->p_filesz)) {
        return "a segment outside the file";
    }
    if (((header->p_vaddr ^ header->p_offset) & PAGE_MASK) != 0 ||
        (alignment & (alignment - 1)) != 0 || alignment > UB_USER_END / 2) {
        return "a segment is not aligned";
    }
    uint64_t lowest = elf->movable ? 0 : UB_PROGRAM_LOWEST;
    if (header->p_vaddr < lowest || header->p_vaddr > UB_USER_END ||
        header->p_memsz > UB_USER_END - header->p_vaddr) {
        return "a segment outside the program's addresses";
    }
    if (elf->segment_count == UB_SEGMENTS_MAXIMUM) {
        return "too many segments";
    }
    uint64_t start = header->p_vaddr & ~PAGE_MASK;
    if (elf->segment_count > 0 && start < ub_elf_end(elf)) {
        return "segments overlap, or are not in order";
    }
    elf->segments[elf->segment_count++] = (struct ub_segment){
        .address = start,
        .size = ((header->p_vaddr + header->p_memsz + PAGE_MASK) & ~PAGE_MASK) - start,
        .offset = header->p_offset & ~PAGE_MASK,
        .count = count_of(reader, header),
        .access = access_of(header->p_flags),
    };
    elf->alignment = alignment > elf->alignment ? alignment : elf->alignment;
    return NULL;
}

static const char *set_interpreter(const struct reader *reader, const Elf64_Phdr *header)
{
    const char *path = (const char *)reader->file + header->p_offset;
    if (reader->elf->interpreter != NULL) {
        return "two interpreters";
    }
    if (header->p_filesz < 2 || header->p_filesz > PATH_MAXIMUM ||
        !in_file(reader, header->p_offset, header->p_filesz) ||
        strnlen(path, header->p_filesz) != header->p_filesz - 1) {
        return "the interpreter's path is broken";
    }
    reader->elf->interpreter = path;
    return NULL;
}

/* Where in memory the program headers are: in the first segment that holds their bytes. */
static void find_headers(struct ub_elf *elf, uint64_t offset, uint64_t size)
{
    for (size_t i = 0; i < elf->segment_count; i++) {
        const struct ub_segment *segment = &elf->segments[i];
        if (offset >= segment->offset && offset - segment->offset <= segment->count &&
            size <= segment->count - (offset - segment->offset)) {
            elf->headers = segment->address + (offset - segment->offset);
            return;
        }
    }
}

static bool is_executable(const struct ub_elf *elf, uint64_t address)
{
    for (size_t i = 0; i < elf->segment_count; i++) {
        const struct ub_segment *segment = &elf->segments[i];
        if (address >= segment->address && address - segment->address < segment->size) {
            return (segment->access & UB_PROGRAM_EXECUTE) != 0;
        }
    }
    return false;
}

const char *ub_elf_read(const void *file, uint64_t size, struct ub_elf *elf)
{
    struct reader reader = {file, size, elf};
    Elf64_Ehdr header;
    const char *wrong = check_header(&reader, &header);
    if (wrong != NULL) {
        return wrong;
    }
    memset(elf, 0, sizeof *elf);
    elf->movable = header.e_type == ET_DYN;
    elf->entry = header.e_entry;
    elf->header_count = header.e_phnum;
    elf->alignment = PAGE;
    for (size_t i = 0; i < header.e_phnum && wrong == NULL; i++) {
        Elf64_Phdr at;
        memcpy(&at, reader.file + header.e_phoff + i * sizeof at, sizeof at);
        if (at.p_type == PT_LOAD && at.p_memsz != 0) {
            wrong = add_segment(&reader, &at);
        } else if (at.p_type == PT_INTERP) {
            wrong = set_interpreter(&reader, &at);
        }
    }
    if (wrong != NULL) {
        return wrong;
    }
    if (!is_executable(elf, elf->entry)) {
        return "the entry is not in an executable segment";
    }
    find_headers(elf, header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr));
    return NULL;
}
