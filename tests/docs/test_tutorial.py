"""The tutorial works when typed: its commands are run and its files written as it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from support.command import ROOT, unibuild

pytestmark = [pytest.mark.network, pytest.mark.boot]

TUTORIAL = ROOT / "docs/tutorial.md"
LAST_SECTION = "## 6."
"""From here on the tutorial works in the examples, which have tests of their own."""
EXPECTED_STATUS = {"-- Ada Grace": 2}
"""Commands whose exit status is the program's; all others succeed."""


def blocks() -> list[str]:
    """The indented blocks of the tutorial, in order, without their indentation."""
    text = TUTORIAL.read_text().partition(LAST_SECTION)[0]
    found = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", text, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in found]


def apply(block: str, package: Path) -> bool:
    """Do what a block that shows a file says; tell whether it was one."""
    build = package / "BUILD.toml"
    if block.startswith("#include"):
        (package / "main.c").write_text(block)
    elif block.startswith("[cc_binary"):
        assert block.strip() == build.read_text().strip(), "what `new` writes"
    elif block.startswith("[boot_test"):
        edited, _, rest = block.partition("\n\n")
        build.write_text(build.read_text().partition("[boot_test")[0] + edited + "\n")
        assert rest.strip().startswith("unibuild") or not rest
        return not rest
    else:
        return False
    return True


def test_every_command_works(tmp_path: Path) -> None:
    folder = tmp_path / "greetings"
    folder.mkdir()
    ran = 0
    for block in blocks():
        if apply(block, folder / "greeter"):
            continue
        for line in block.splitlines():
            if not line.startswith("unibuild "):
                continue
            result = unibuild(*shlex.split(line)[1:], cwd=folder)
            expected = next((s for end, s in EXPECTED_STATUS.items() if line.endswith(end)), 0)
            assert result.returncode == expected, f"{line}\n{result.stdout}{result.stderr}"
            ran += 1
    assert ran >= 7
