"""The built-in actions of images: where each is, and its version.

A version changes when the same inputs would give other bytes (for a test: another verdict). It is
an argument of the action, and so part of its digest.
"""

BUILTINS = {
    "root-archive": "unibuild.image.root_archive:build",
    "image-pack": "unibuild.image.pack:build",
    "linux-program": "unibuild.image.linux_program:take",
    "linux-libraries": "unibuild.image.linux_program:find_libraries",
    "system-calls": "unibuild.image.call_table:build",
    "boot-test": "unibuild.machine.boot_test:build",
}
ASSEMBLER = 1
"""The byte behaviour of the image assembler: parameters, root archive, packing, symbols, manifest.

It is in every manifest. Whoever changes a byte of what the same link becomes gives the new behaviour
the next number, and its golden test (``tests/image/test_assembler.py``) a new folder.
"""
ROOT_ARCHIVE_VERSION = "1"
PROGRAM_ARCHIVE_VERSION = "1"
"""How root archives with Linux programs differ from others."""
IMAGE_PACK_VERSION = "8"
LINUX_PROGRAM_VERSION = "3"
SYSTEM_CALLS_VERSION = "10"
BOOT_TEST_VERSION = "1"
PROGRAM_SYMBOLS_SUFFIX = ".program.symbols"
"""How the file beside an image is called that names the addresses of its Linux program."""
