"""The same program on Linux and in an image: it has to print the same and to end the same.

Each package below this folder has for a program P the targets `P` (a static Linux executable) and
`P_image` (the image that runs it). Lines that begin with `#` are for people and are not compared.
"""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from support.command import ROOT, unibuild

_IMAGE = re.compile(r"^\[unikernel_image\.(?P<program>[A-Za-z0-9_]+)_image\]", re.MULTILINE)
_SECONDS = 60


def _programs() -> list[tuple[str, str]]:
    folder = Path(__file__).parent
    return [
        (package.parent.name, match["program"])
        for package in sorted(folder.glob("*/BUILD.toml"))
        for match in _IMAGE.finditer(package.read_text())
    ]


@cache
def _build(package: str) -> str:
    """Build every target of a package once; return what went wrong."""
    built = unibuild("build", f"//tests/linux/{package}:all", cwd=ROOT)
    return built.stderr if built.returncode else ""


def _facts(output: str) -> list[str]:
    return [line for line in output.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("package", "program"), _programs())
def test_same_output(package: str, program: str, tmp_path: Path) -> None:
    assert not _build(package)
    linux = subprocess.run(
        [ROOT / f"unibuild-out/tests/linux/{package}/{program}"],
        cwd=tmp_path,
        env={},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    status = linux.returncode if linux.returncode >= 0 else 128 - linux.returncode
    label = f"//tests/linux/{package}:{program}_image"
    image = unibuild("run", label, cwd=ROOT, timeout=_SECONDS)
    assert _facts(linux.stdout), "the program prints nothing that could be compared"
    assert _facts(image.stdout) == _facts(linux.stdout), image.stderr
    assert image.returncode == status, image.stderr
