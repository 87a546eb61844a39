"""The tutorial works when typed: its commands are run and its files written as it says."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

import pytest
from support import servers
from support.command import ROOT, unibuild

pytestmark = [pytest.mark.network, pytest.mark.boot]

TUTORIAL = ROOT / "docs/tutorial.md"
LAST_SECTION = "## 8."
"""From here on the tutorial works in the examples, which have tests of their own."""
EXPECTED_STATUS = {"-- Ada Grace": 2}
"""Commands whose exit status is the program's; all others succeed."""
SERVER = "grpc://127.0.0.1:50051"
"""The cache that the tutorial starts; here it is a real one on another port."""

OWN_KEY = "$(unibuild cache key)"
"""What a shell would replace by the output of that command, which the tutorial has before."""


def blocks() -> list[str]:
    """The indented blocks of the tutorial, in order, without their indentation."""
    text = TUTORIAL.read_text().partition(LAST_SECTION)[0]
    found = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", text, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in found]


def apply(block: str, package: Path) -> bool:
    """Do what a block that shows a file says; tell whether it was one."""
    build = package / "BUILD.toml"
    if block.startswith("name ="):
        (package.parent / "WORKSPACE.toml").write_text(block)
    elif block.startswith("license ="):
        settings = package.parent / "WORKSPACE.toml"
        settings.write_text(block + settings.read_text())
    elif block.startswith("#include"):
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


def words_of(line: str, home: Path) -> tuple[dict[str, str], list[str]]:
    """The environment and the arguments of a line, as a shell would have them."""
    words = [word.replace("~", str(home)) for word in shlex.split(line)]
    settings = list(itertools.takewhile(lambda word: "=" in word, words))
    return dict(word.split("=", 1) for word in settings), words[len(settings) :]


def test_every_command_works(tmp_path: Path) -> None:
    folder = tmp_path / "greetings"
    folder.mkdir()
    said: dict[str, str] = {}
    key = ""
    with servers.casd(tmp_path / "server") as server:
        for block in blocks():
            if apply(block.replace(SERVER, server.url), folder / "greeter"):
                continue
            for line in block.splitlines():
                environment, words = words_of(line.replace(OWN_KEY, key), tmp_path)
                if words[:1] != ["unibuild"]:
                    continue
                environment["XDG_CONFIG_HOME"] = str(tmp_path / "config")
                result = unibuild(*words[1:], cwd=folder, environment=environment)
                expected = next((s for end, s in EXPECTED_STATUS.items() if line.endswith(end)), 0)
                assert result.returncode == expected, f"{line}\n{result.stdout}{result.stderr}"
                said[line] = result.stdout + result.stderr
                key = result.stdout.strip() if line == "unibuild cache key" else key
    assert len(said) >= 12
    colleague = next(text for line, text in said.items() if line.startswith("UNIBUILD_CACHE="))
    assert re.search(r"actions: 0 executed, [\d,]+ remote", colleague), colleague
    verified = [text for line, text in said.items() if line.startswith("unibuild verify")]
    assert len(verified) == 2
    assert all("verified: //greeter:image" in text for text in verified)
    doctor = next(text for line, text in said.items() if line == "unibuild doctor")
    assert f"{server.url}, API 2." in doctor
