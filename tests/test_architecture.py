"""The house rules that no linter knows: docs/architecture.md says why each holds."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (  # from the top of the house to its foundation; a room imports only what stands below it
    "cli",
    "verify",
    "machine",
    "image",
    "elf",
    "execution",
    "analysis",
    "loading",
    "external",
    "store",
    "model",
)
RULES_MAY_USE = ("unibuild.analysis.api", "unibuild.image", "rules")
MAXIMUM_LINES = 450
HOSTS = {  # of pages that a comment may cite, and of examples; never of a package registry
    "127.0.0.1",
    "HOST",
    "cyclonedx.org",
    "datatracker.ietf.org",
    "github.com",
    "in-toto.io",
    "json-schema.org",
    "localhost",
    "openvex.dev",
    "slsa.dev",
    "spdx.org",
    "wiki.debian.org",
    "www.qemu.org",
    "www.rfc-editor.org",
}
MACHINE_PATHS = re.compile(r"(?<![\w$}/.])/(?:root|home/[a-z]\w*|work|mnt)/")


def tracked(*patterns: str) -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if parts[0] == "unibuild" and len(parts) > 1 and parts[1] in ROOMS else ""


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    allowed = set(ROOMS[ROOMS.index(room) :])
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted((ROOT / "unibuild" / room).rglob("*.py"))
        for module in sorted(imports(path))
        if (target := room_of(module)) and target not in allowed
    ]
    assert wrong == []


def test_the_engine_names_its_rooms_in_full() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "unibuild").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert wrong == []


def test_rules_use_the_documented_interface() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted((ROOT / "rules").rglob("*.py"))
        for module in sorted(imports(path))
        if module.startswith("unibuild.") and not module.startswith(RULES_MAY_USE)
    ]
    assert wrong == []


def test_only_the_command_line_prints_or_exits() -> None:
    wrong = []
    for path in sorted((ROOT / "unibuild").rglob("*.py")):
        if path.is_relative_to(ROOT / "unibuild" / "cli") or path.name == "__main__.py":
            continue
        wrong += [
            f"{path.relative_to(ROOT)}:{node.lineno}"
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
            and ast.unparse(node.func) in {"print", "exit", "sys.exit"}
        ]
    assert wrong == []


def test_files_are_short() -> None:
    sizes = {
        str(path.relative_to(ROOT)): path.read_bytes().count(b"\n")
        for path in tracked("*.py", "*.c", "*.h", "*.S", "*.sh", "ub", "check")
    }
    assert {name: lines for name, lines in sizes.items() if lines > MAXIMUM_LINES} == {}


def test_no_address_of_a_registry_and_no_path_of_a_machine_is_named() -> None:
    wrong = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        name = path.relative_to(ROOT)
        for host in re.findall(r"https?://([^/\"'`\s:)>,\\]+)", text):
            known = host in HOSTS or host.startswith(("{", "%", "$")) or "example" in host
            if not known:
                wrong.append(f"{name}: {host}")
        if path != Path(__file__):
            wrong += [f"{name}: {found}" for found in MACHINE_PATHS.findall(text)]
    assert wrong == []


def test_every_test_file_can_be_told_by_its_name() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked("tests/*.py")]
    assert [name for name in names if " " in name or name != name.lower()] == []


def test_wheel_and_checkout_carry_the_same_standard_repository() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {name: f"unibuild/_standard/{name}" for name in included} == included
    assert [name for name in included if not (ROOT / name).exists()] == []
