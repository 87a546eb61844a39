"""What a file is that was taken for a Linux program, said in words: by its first bytes."""

from __future__ import annotations

from typing import Final

_MAGICS: Final = (
    (b"!<arch>\n", "a static archive (.a)"),
    (b"!<thin>\n", "a thin archive (.a)"),
    (b"MZ", "a program for Windows or UEFI (PE)"),
    (b"\xcf\xfa\xed\xfe", "a program for macOS (Mach-O)"),
    (b"\xce\xfa\xed\xfe", "a 32-bit program for macOS (Mach-O)"),
    (b"\xfe\xed\xfa", "a program for macOS (Mach-O)"),
    (b"\xca\xfe\xba\xbe", "a universal program for macOS, or a Java class"),
    (b"\x00asm", "a WebAssembly module"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"BZh", "compressed with bzip2"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x89PNG", "a picture (PNG)"),
)
_TAR_MARK: Final = slice(257, 262)
_SAMPLE: Final = 4096


def described(data: bytes) -> tuple[str, str]:  # noqa: PLR0911 - one line a kind
    """Return what ``data`` looks like, and what could be done about it (``""``: nothing known)."""
    if not data:
        return "an empty file", "build the program first"
    if data.startswith(b"#!"):
        line = data[2:_SAMPLE].split(b"\n")[0].decode("utf-8", "replace").strip()
        program = line.split()[0] if line.split() else "its interpreter"
        return (
            f"a script for {line or 'no interpreter'}",
            f"give {program} as the binary and the script as its argument, in `files`",
        )
    for magic, words in _MAGICS:
        if data.startswith(magic):
            return words, _advice(words)
    if data[_TAR_MARK] == b"ustar":
        return "a tar archive", _advice("a tar archive")
    try:
        text = data[:_SAMPLE].decode("utf-8", "strict" if len(data) <= _SAMPLE else "ignore")
    except UnicodeDecodeError:
        return "data of a kind that is not known", ""
    if text.isprintable() or all(one.isprintable() or one in "\n\r\t\f" for one in text):
        return "text", "name the compiled program, not its source"
    return "data of a kind that is not known", ""


def _advice(words: str) -> str:
    if "Windows" in words or "macOS" in words:
        return "build it for Linux on x86-64 (Go: GOOS=linux GOARCH=amd64)"
    if "archive (.a)" in words or "bitcode" in words:
        return "link it to a program first"
    if "compressed" in words or "ZIP" in words or "tar" in words:
        return "name the label that unpacks it, and `path` for the program inside"
    return ""
