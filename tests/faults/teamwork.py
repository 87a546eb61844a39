"""A small workspace, as each member of a team has it, and what its builds must look like."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from faults.raw import Raw
from support.command import ROOT, unibuild
from support.tree import write_tree

from unibuild.store import gc
from unibuild.store.layout import Layout, Session
from unibuild.store.protobuf import fields
from unibuild.store.reapi import decode_action_result, decode_digest

LARGE = 6_000_000
"""Bytes of one output: more than a message, so it is streamed."""

STEPS = 8

BUILD = """\
[genrule.large]
srcs = ["large.txt", "text.txt"]
outs = ["large.bin"]
cmd = "for i in 1 2 3 4 5 6 7 8; do cat $(location large.txt); done > $@; cat $(location text.txt) >> $@"

[genrule.program]
srcs = ["text.txt"]
outs = ["bin/program"]
cmd = "{ echo '#!/bin/sh'; cat $<; } > $@; chmod 755 $@"

[genrule.folder]
srcs = ["text.txt"]
outs = ["folder/"]
cmd = "mkdir -p $@/below/deep; cp $< $@/below/deep/a; cp $< $@/b; chmod 755 $@/b; ln -s below/deep/a $@/link"

[genrule.empty]
outs = ["empty"]
cmd = ": > $@"

[genrule.end]
srcs = ["//:folder", "//:program", "//:steps", "//:empty", "//:large"]
outs = ["end.txt"]
cmd = "cat unibuild-gen/folder/link $(location //:program) $(location //:steps) > $@; sha256sum < $(location //:large) >> $@"

[filegroup.whole]
srcs = ["//:end", "//:folder", "//:program", "//:large", "//:empty"]
"""

STEP = """\
[genrule.{name}]
srcs = [{sources}]
outs = ["{name}.out"]
cmd = "cat $(SRCS) > $@; echo {name} >> $@"
"""


def files(text: str = "text\n", steps: int = STEPS) -> dict[str, str | bytes]:
    """Return the files of the workspace; ``steps`` actions in a row but two at once."""
    build = [BUILD]
    for number in range(steps):
        before = [f"//:step{number - 2}"] if number > 1 else []
        sources = ", ".join(f'"{source}"' for source in ["text.txt", *before])
        build.append(STEP.format(name=f"step{number}", sources=sources))
    last = ", ".join(f'"//:step{number}"' for number in range(max(0, steps - 2), steps))
    build.append(STEP.format(name="steps", sources=last))
    lines = (f"{number:063d}\n" for number in range(LARGE // 8 // 64))
    return {
        "BUILD.toml": "\n".join(build),
        "text.txt": text,
        "large.txt": "".join(lines),
    }


Outputs = dict[str, tuple[int, bytes]]


def expected(text: str = "text\n", steps: int = STEPS) -> Outputs:
    """Return what the workspace's outputs are, whoever makes them: mode and bytes by path."""
    large = str(files()["large.txt"]) * 8 + text
    made: list[str] = []
    for number in range(steps):
        before = made[number - 2] if number > 1 else ""
        made.append(f"{text}{before}step{number}\n")
    last = "".join(made[-2:]) + "steps\n"
    program = f"#!/bin/sh\n{text}"
    total = hashlib.sha256(large.encode()).hexdigest()
    plain = {
        "large.bin": large,
        "empty": "",
        "folder/below/deep/a": text,
        "end.txt": f"{text}{program}{last}{total}  -\n",
    }
    found: Outputs = {name: (0, content.encode()) for name, content in plain.items()}
    found["bin/program"] = (0o111, program.encode())
    found["folder/b"] = (0o111, text.encode())
    found["folder/link"] = (0, b"below/deep/a")
    return found


def outputs_of(root: Path) -> Outputs:
    """Return mode and bytes (a link's target) of everything below ``unibuild-out``."""
    found: Outputs = {}
    base = root / "unibuild-out"
    for path in sorted(base.rglob("*")):
        name = path.relative_to(base).as_posix()
        if path.is_symlink():
            found[name] = (0, os.fsencode(path.readlink()))
        elif path.is_file():
            found[name] = (path.stat().st_mode & 0o111, path.read_bytes())
    return found


@dataclass
class Built:
    """How a build ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def warnings(self) -> list[str]:
        """Return the lines that warn."""
        return [line for line in self.err.splitlines() if line.startswith("warning:")]

    @property
    def errors(self) -> list[str]:
        """Return the lines that begin an error."""
        return [line for line in self.err.splitlines() if line.startswith("error[")]


@dataclass
class Client:
    """One member: a workspace and a local cache of its own."""

    root: Path
    cache: Path
    environment: dict[str, str] = field(default_factory=dict)

    def configure(self, url: str = "", **settings: object) -> None:
        """Write WORKSPACE.toml; ``settings`` are those of ``[cache.remote]``."""
        lines = ['name = "team"', 'digest = "sha256"']
        if url:
            lines += ["[cache.remote]", f'url = "{url}"']
            lines += [f"{name} = {_toml(value)}" for name, value in settings.items()]
        (self.root / "WORKSPACE.toml").write_text("\n".join(lines) + "\n", encoding="ascii")

    def write(self, more: Mapping[str, str | bytes]) -> None:
        """Write sources into the workspace."""
        write_tree(self.root, more)

    def edit(self, text: str) -> None:
        """Change the source that most actions read."""
        (self.root / "text.txt").write_text(text, encoding="ascii")

    def environ(self) -> dict[str, str]:
        """Return what distinguishes this member's processes from others'."""
        return {"UNIBUILD_CACHE": str(self.cache), **self.environment}

    def run(self, *arguments: str, timeout: float = 60) -> Built:
        """Run one command line."""
        began = time.monotonic()
        done = unibuild(*arguments, cwd=self.root, environment=self.environ(), timeout=timeout)
        return Built(done.returncode, done.stdout, done.stderr, time.monotonic() - began)

    def build(self, *options: str, timeout: float = 60) -> Built:
        """Build everything."""
        return self.run("build", *options, "//:whole", timeout=timeout)

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start a build of everything in a session of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "unibuild", "build", *options, "//:whole"],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **self.environ()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def outputs(self) -> Outputs:
        """Return what the workspace's ``unibuild-out`` holds."""
        return outputs_of(self.root)

    def actions(self) -> list[str]:
        """Return the hashes of the actions whose results the local cache has."""
        return sorted(path.name for path in (self.cache / "sha256/actions").glob("??/*"))

    def forget(self) -> None:
        """Drop the outputs and what is known of them; the cache stays."""
        for name in ("unibuild-out", ".unibuild"):
            shutil.rmtree(self.root / name, ignore_errors=True)


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def is_right(client: Client, done: Built, warnings: int | None = 1) -> None:
    """Check what holds after every fault: right outputs, no error, nothing left or half-written.

    ``warnings`` is how many there must be; None: at most one of each kind, of which there are two.
    """
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    assert done.errors == [], done.err
    if warnings is None:
        assert len(done.warnings) <= 2, done.err
    else:
        assert len(done.warnings) == warnings, done.err
    text = (client.root / "text.txt").read_text(encoding="ascii")
    made, right = client.outputs(), expected(text)
    assert {name: made.get(name) for name in right} == right
    assert left_behind(client) == []


def left_behind(client: Client) -> list[object]:
    """Return processes, scratch and corrupt entries that a finished build left."""
    found: list[object] = list(gc.verify(str(client.cache)))
    found += processes_with(str(client.cache))
    found += scratch_left(client)
    return found


def scratch_left(client: Client) -> list[Path]:
    """Return the scratch that the next process to open the cache leaves there.

    What died between the making of its folder and of its lease is spared for two seconds; a process
    that was killed may still be ending, and holds its lease that long.
    """
    deadline = time.monotonic() + 3
    while True:
        with Session(Layout(str(client.cache), "sha256")) as session:
            found = [
                path
                for path in (client.cache / "sessions").iterdir()
                if str(path) != session.path and (path / "lease").exists()
            ]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def complete_results_only(server: Raw, incomplete: list[str]) -> Callable[[bytes], bytes]:
    """Return what looks at each UpdateActionResult whether all its blobs are there already."""

    def look(request: bytes) -> bytes:
        parts = dict(fields(request))
        action, result = parts.get(2), parts.get(3)
        assert isinstance(action, bytes)
        assert isinstance(result, bytes)
        decoded = decode_action_result(result)
        needed = server.blobs_of(decoded) | {decode_digest(action)}
        if missing := server.missing(needed):
            incomplete.append(f"{decode_digest(action)}: {missing}")
        return request

    return look


def processes_with(mark: str) -> list[int]:
    """Return the processes that have ``mark`` in their environment or command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            state = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except OSError:
            continue
        if mark.encode() in text and state not in "ZX":
            found.append(int(entry.name))
    return found
