"""The built-in action ``boot-test``: boot an image and compare what it does with what is expected.

Arguments: the version, the path of the test's specification (a JSON literal that the rule writes),
boot file, symbol file, manifest and, of a Linux program, its symbol file. Outputs end in
``.verdict.json`` and ``.log`` and exist only when the test passed; they hold nothing about time, so a
verdict is the same wherever it was found. A failure names every expectation that was not met;
the console is in the action's log.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unibuild.image import manifest as manifests
from unibuild.image.builtins import PROGRAM_SYMBOLS_SUFFIX
from unibuild.machine.console import Event, Text
from unibuild.machine.machine import Machine, Outcome
from unibuild.machine.ports import PortForward
from unibuild.machine.run import (
    MANIFEST_SUFFIX,
    SYMBOLS_SUFFIX,
    Prepared,
    RunOptions,
    fault_lines,
    missing_lines,
    prepare,
)
from unibuild.model.errors import ActionError, HostError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unibuild.execution.request import BuiltinCall

_POLL_SECONDS = 0.02
_BREAKING_SECONDS = 0.5
_TRIES = 3


@dataclass(slots=True)
class Boot:
    """What one boot showed."""

    console: str = ""
    outcome: Outcome | None = None
    problems: list[str] = field(default_factory=list)
    probe: str = ""
    fault: list[str] = field(default_factory=list)


class Console:
    """The console's text so far, shared between the machine's thread and the test."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._data = bytearray()

    def __call__(self, event: Event) -> None:
        """Take one event of the machine."""
        if isinstance(event, Text):
            with self._lock:
                self._data += event.data

    def text(self) -> str:
        """Return all text so far, with the line ends of a text file."""
        with self._lock:
            return self._data.decode("utf-8", "replace").replace("\r\n", "\n")


def build(call: BuiltinCall) -> None:
    """Run the action; ``ActionError`` ``boot-test-failed`` when the image does something else."""
    _version, specification, image, symbols, manifest, *program_symbols = call.arguments
    spec = json.loads(call.inputs[specification].read_text("utf-8"))
    with tempfile.TemporaryDirectory(prefix="unibuild-boot-") as folder:
        place = _stage(Path(folder), call, (image, symbols, *program_symbols), manifest)
        boots = [_boot(spec, place, call.inputs) for _ in range(spec["boots"])]
    problems = [problem for boot in boots for problem in boot.problems]
    problems += _not_distinct(spec["distinct"], boots)
    log = "".join(_render(number, boot) for number, boot in enumerate(boots, start=1))
    call.log.write_text(log, "utf-8")
    if problems:
        raise ActionError(
            "boot-test-failed",
            f"{spec['label']} failed: {problems[0]}",
            hint="the console shows what the image did",
            detail=tuple(f"not as expected: {problem}" for problem in problems),
        )
    verdict = {"label": spec["label"], "passed": True, "boots": len(boots)}
    for path, output in call.outputs.items():
        is_log = path.endswith(".log")
        output.write_text(log if is_log else json.dumps(verdict, sort_keys=True) + "\n", "utf-8")


def _stage(folder: Path, call: BuiltinCall, files: tuple[str, ...], manifest: str) -> Path:
    """Put the image's files side by side, as ``run`` finds them; return the manifest.

    ``files`` are the boot file, its symbols and, of a Linux program, the program's symbols.
    """
    content = manifests.read(call.inputs[manifest])
    stem = str(content["image"]["file"]).removesuffix(".elf")
    names = (content["image"]["file"], stem + SYMBOLS_SUFFIX, stem + PROGRAM_SYMBOLS_SUFFIX)
    for name, source in zip(names, files, strict=False):
        shutil.copyfile(call.inputs[source], folder / name)
    shutil.copyfile(call.inputs[manifest], folder / (stem + MANIFEST_SUFFIX))
    return folder / (stem + MANIFEST_SUFFIX)


def _boot(spec: Mapping[str, Any], manifest: Path, inputs: Mapping[str, Path]) -> Boot:
    options = RunOptions(
        memory=spec["memory"],
        accelerator=spec["accelerator"],
        forwards=tuple(_forward(port) for port in spec["ports"]),
        arguments=tuple(spec["args"]),
        monitor_options=tuple(spec["qemu_options"]),
        wire=manifest.with_name("wire") if spec["wire"] else None,
    )
    for _ in range(_TRIES - 1):
        try:
            return _boot_once(spec, manifest, options, inputs)
        except HostError as error:
            # Another process may open a port between our choice of it and the monitor's start.
            if error.id != "port-taken":
                raise
    return _boot_once(spec, manifest, options, inputs)


def _boot_once(
    spec: Mapping[str, Any], manifest: Path, options: RunOptions, inputs: Mapping[str, Path]
) -> Boot:
    prepared = prepare(manifest, options)
    boot = Boot()
    console = Console()
    deadline = time.monotonic() + spec["timeout"]
    with Machine(prepared.command, console) as machine:
        if spec["server"]:
            _wait_until_expected(machine, console, spec["expect_console"], deadline)
            if spec["probe"] and machine.running:
                _probe(spec, prepared, inputs, boot, deadline, options.wire)
            # A probe may have failed because the image is just breaking: let it say so.
            deadline = time.monotonic() + (_BREAKING_SECONDS if boot.problems else 0)
        try:
            boot.outcome = machine.wait(max(0.0, deadline - time.monotonic()))
        except ActionError as error:
            boot.problems.append(error.cause)
    boot.console = console.text()
    if boot.outcome is not None:
        boot.fault = missing_lines(boot.outcome, prepared.names)
        boot.fault += fault_lines(boot.outcome, prepared.names)
        _compare_status(spec, boot, boot.outcome)
    _compare(spec, boot)
    return boot


def _forward(port: str) -> PortForward:
    number, _, protocol = port.partition("/")
    return PortForward(0, int(number), protocol)


def _wait_until_expected(
    machine: Machine, console: Console, patterns: list[str], deadline: float
) -> None:
    while machine.running and time.monotonic() < deadline:
        text = console.text()
        if all(re.search(pattern, text, re.MULTILINE) for pattern in patterns):
            return
        time.sleep(_POLL_SECONDS)


def _probe(
    spec: Mapping[str, Any],
    prepared: Prepared,
    inputs: Mapping[str, Path],
    boot: Boot,
    deadline: float,
    wire: Path | None,
) -> None:
    script = spec["probe"]
    command = [
        *_interpreter(script),
        str(inputs[script]),
        *spec["probe_args"],
        *(str(inputs[path]) for path in spec["data"]),
    ]
    variables = {"UNIBUILD_ADDRESS": "127.0.0.1"}
    for forward in prepared.forwards:
        name = f"UNIBUILD_PORT_{forward.guest}_{forward.protocol.upper()}"
        variables[name] = str(forward.host)
    if wire is not None:
        variables["UNIBUILD_WIRE"] = str(wire)
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
        **variables,
    }
    try:
        answer = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=max(1.0, deadline - time.monotonic()),
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        boot.probe = (late.stdout or b"").decode("utf-8", "replace")
        boot.problems.append(f"the probe {script} was not done after {spec['timeout']} s")
        return
    boot.probe = answer.stdout.decode("utf-8", "replace")
    if answer.returncode:
        boot.problems.append(f"the probe {script} ended with status {answer.returncode}")


def _interpreter(script: str) -> list[str]:
    if script.endswith(".py"):
        return [sys.executable]
    if script.endswith(".sh"):
        return ["/bin/sh"]
    return []


def _compare_status(spec: Mapping[str, Any], boot: Boot, outcome: Outcome) -> None:
    if outcome.status is None:
        if not spec["server"]:
            boot.problems.append(f"the program had not ended after {spec['timeout']} s")
    elif outcome.fault and outcome.status != spec["expect_status"]:
        boot.problems.append(f"the image broke: {outcome.fault}")
    elif outcome.status != spec["expect_status"] or spec["server"]:
        wanted = "the program to keep running" if spec["server"] else str(spec["expect_status"])
        boot.problems.append(f"exit status {outcome.status}, expected {wanted}")


def _compare(spec: Mapping[str, Any], boot: Boot) -> None:
    shown = "\n".join([boot.console, *boot.fault])
    for pattern in spec["expect_console"]:
        if not re.search(pattern, shown, re.MULTILINE):
            boot.problems.append(f"the console shows nothing like `{pattern}`")
    for pattern in spec["reject_console"]:
        found = re.search(pattern, shown, re.MULTILINE)
        if found:
            boot.problems.append(f"the console shows `{found[0]}`, which `{pattern}` rejects")


def _not_distinct(patterns: list[str], boots: list[Boot]) -> list[str]:
    problems = []
    for pattern in patterns:
        seen: dict[str, int] = {}
        for number, boot in enumerate(boots, start=1):
            match = re.search(pattern, boot.console, re.MULTILINE)
            if match is None:
                problems.append(f"boot {number} shows nothing like `{pattern}`")
                continue
            value = match[1] if match.re.groups else match[0]
            first = seen.setdefault(value, number)
            if first != number:
                problems.append(f"boots {first} and {number} both show `{value}` for `{pattern}`")
    return problems


def _render(number: int, boot: Boot) -> str:
    parts = [f"--- boot {number}: console\n", boot.console]
    if boot.fault:
        parts += ["\n", "\n".join(boot.fault)]
    if boot.probe:
        parts += ["\n" if not boot.console.endswith("\n") else "", "--- probe\n", boot.probe]
    text = "".join(parts)
    return text if text.endswith("\n") else text + "\n"
