"""Make a new package with a first program, an image and a boot test, ready to build.

    unibuild new services/greeter --lang c
    unibuild run //services/greeter:image

In an empty folder outside any workspace it also makes the WORKSPACE.toml.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from unibuild.model.errors import UserError

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")

_C_BUILD = """\
[cc_binary.{name}]
srcs = ["*.c"]

[unikernel_image.image]
app = ":{name}"

[boot_test.image_test]
image = ":image"
expect_console = ["Hello from {name}"]
"""
_C_SOURCE = """\
#include <stdio.h>

int main(void)
{{
    puts("Hello from {name}");
    return 0;
}}
"""
_GO_BUILD = """\
[go_binary.{name}-program]
srcs = ["go.mod", "*.go"]

[linux_binary.{name}]
binary = ":{name}-program"

[unikernel_image.image]
app = ":{name}"

[boot_test.image_test]
image = ":image"
expect_console = ["Hello from {name}"]
"""
_GO_MODULE = """\
module example.test/{name}

go 1.26
"""
_GO_SOURCE = """\
package main

import "fmt"

func main() {{
	fmt.Println("Hello from {name}")
}}
"""
_TEMPLATES: dict[str, dict[str, str]] = {
    "c": {"BUILD.toml": _C_BUILD, "main.c": _C_SOURCE},
    "go": {"BUILD.toml": _GO_BUILD, "go.mod": _GO_MODULE, "main.go": _GO_SOURCE},
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the name and the language."""
    parser.add_argument("name", help="the package to make, a path below the workspace")
    parser.add_argument("--lang", choices=sorted(_TEMPLATES), default="c", help="default: c")


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Write the package; never over a file that exists."""
    from unibuild.cli.shortcut import find_workspace_root

    package = PurePosixPath(arguments.name)
    _check(package)
    here = Path.cwd()
    root = find_workspace_root(str(here))
    base = here if root else _new_workspace(here, terminal)
    folder = base / package
    if folder.exists() and any(folder.iterdir()):
        raise UserError(
            id="package-exists",
            cause=f"{arguments.name} exists and is not empty",
            hint="choose another name, or delete it first",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _TEMPLATES[arguments.lang].items():
        (folder / name).write_text(text.format(name=package.name))
        terminal.note(f"wrote {package / name}")
    label = f"//{folder.relative_to(Path(root) if root else base).as_posix()}"
    terminal.note(f"next: unibuild run {label}:image")
    terminal.data(f"{label}:image")
    return 0


def _check(package: PurePosixPath) -> None:
    if package.is_absolute() or not package.parts or any(not _NAME.match(p) for p in package.parts):
        raise UserError(
            id="bad-package-name",
            cause=f"{str(package)!r} is no name for a package",
            hint="a path of letters, digits, '_', '-' and '.', for example services/greeter",
        )


def _new_workspace(folder: Path, terminal: Terminal) -> Path:
    if any(not path.name.startswith(".") for path in folder.iterdir()):  # .git may be there
        raise UserError(
            id="no-workspace",
            cause=f"{folder} is in no workspace",
            hint="run 'unibuild new' in a workspace or in an empty folder",
        )
    name = re.sub(r"[^A-Za-z0-9_-]", "-", folder.name) or "workspace"
    (folder / "WORKSPACE.toml").write_text(f'name = "{name}"\n')
    (folder / ".gitignore").write_text("/unibuild-out\n")
    terminal.note("wrote WORKSPACE.toml")
    return folder
