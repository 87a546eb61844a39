from __future__ import annotations

from unibuild.elf.link_map import Extraction
from unibuild.elf.references import Reference
from unibuild.image.link_errors import undefined_symbols_error

OWNERS = {"main.o": "//app:app", "libc.a": "//libc:libc"}
EXTRACTIONS = [Extraction("main.o", "libc.a(system.o)", "system")]


def test_missing_system_calls_name_who_wants_them_and_what_would_help() -> None:
    error = undefined_symbols_error(
        "//app:image",
        [
            Reference("ub_sys_execve", "libc.a(system.o)", "system"),
            Reference("ub_sys_mount", "main.o", ""),
        ],
        EXTRACTIONS,
        OWNERS,
        {"ub_sys_execve": "@unibuild//kernel/stub:execve"},
    )
    assert error.id == "missing-entry-points"
    assert error.cause == "//app:image needs 2 system calls that none of its components provides"
    assert error.detail == (
        "ub_sys_execve (system call execve)",
        "    wanted by `system` in system.o of //libc:libc",
        "    which main.o of //app:app needs for `system`",
        "ub_sys_mount (system call mount)",
        "    wanted by data in main.o of //app:app",
    )
    assert error.hint == (
        'add to //app:image: components = ["@unibuild//kernel/stub:execve"]; no component offers '
        "mount: do without the function that wants it, or add a kernel_library that defines it to "
        "'components'"
    )


def test_other_symbols_are_not_called_system_calls() -> None:
    references = [Reference("helper", f"f{number}.o", "main") for number in range(5)]
    error = undefined_symbols_error("//app:image", references, [], {}, {})
    assert error.id == "undefined-symbols"
    assert error.cause == "//app:image needs a symbol that nothing in it defines"
    assert error.detail[-1] == "    and 2 more"
