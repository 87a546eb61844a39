"""Take the units, configurations and commands of ``cache/`` at their word, below a folder of a test.

What a unit calls ``%S``, ``%d`` and ``%t``, what it expects in ``/etc/unibuild-cache`` and what is
installed in ``/opt/unibuild-cache`` is elsewhere here, and ports are free ones; nothing else of a
command line changes.
"""

from __future__ import annotations

import re
import shlex
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import installing, processes
from support.command import ROOT

CACHE = ROOT / "cache"
UNITS = sorted(CACHE.glob("*/*.service"))
_INSTALLED = re.compile(r"/opt/unibuild-cache/([a-z-]+)/(\S*)")
_NOT_HERE = re.compile(r"systemctl|/etc/systemd|/etc/tmpfiles|/install ")
_PATH = re.compile(r"(?<![\w/-])cache/")
_BGD = "import sys; sys.argv[0] = 'bgd'; from buildgrid.server.app import cli; cli()"


def setting(unit: Path, name: str) -> list[str]:
    """Return the values of a setting of a unit, each as one line."""
    text = unit.read_text().replace("\\\n", " ")
    return [" ".join(value.split()) for value in re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)]


class Machine:
    """A folder that stands for the machine of a recipe."""

    def __init__(self, folder: Path) -> None:
        """Make its folders; that for sockets may be replaced by one with a shorter path."""
        self.etc = folder / "etc"
        self.state = folder / "state"
        self.run = folder / "run"
        for path in (self.etc, self.state, self.run):
            path.mkdir(parents=True)
        self.ports: dict[str, int] = {}

    def port(self, documented: int) -> int:
        """Return the free port that stands for a documented one."""
        return self.ports.setdefault(str(documented), processes.free_port())

    def here(self, text: str) -> str:
        """Return a command line or configuration as it has to be here."""
        text = text.replace("%S", str(self.state)).replace("%t", str(self.run))
        text = text.replace("%d", str(self.etc)).replace("$CREDENTIALS_DIRECTORY", str(self.etc))
        text = text.replace("/etc/unibuild-cache", str(self.etc))
        text = _INSTALLED.sub(self._installed, text)
        return re.sub(r"(?<=:)898\d\b", lambda found: str(self.port(int(found[0]))), text)

    def _installed(self, found: re.Match[str]) -> str:
        try:
            folder = (
                installing.ensure(found[1]) if found[1] == "casd" else installing.find(found[1])
            )
        except installing.UnavailableError as error:
            pytest.skip(str(error))
        return str(folder / found[2])

    def commands(self, unit: Path, name: str = "ExecStart") -> list[list[str]]:
        """Return the commands of a unit."""
        commands = [shlex.split(self.here(line)) for line in setting(unit, name)]
        for command in commands:
            if command[0].endswith("/bgd"):  # its script names the folder where it was installed
                command[:1] = [str(Path(command[0]).with_name("python3")), "-Ic", _BGD]
        return commands

    @contextmanager
    def started(
        self,
        name: str,
        documented: int,
        ready: Callable[[int], bool] = processes.answers_grpc,
        **environment: str,
    ) -> Iterator[int]:
        """Run a unit until the block ends; yields the port that stands for the documented one."""
        unit = CACHE / name
        for state in setting(unit, "StateDirectory"):
            (self.state / state).mkdir(exist_ok=True)
        for runtime in setting(unit, "RuntimeDirectory"):
            (self.run / runtime).mkdir(exist_ok=True)
        for command in self.commands(unit, "ExecStartPre"):
            subprocess.run(command, check=True)
        for line in setting(unit, "Environment"):
            key, _, value = self.here(line).partition("=")
            environment[key] = value
        (command,) = self.commands(unit)
        log = self.state / f"{unit.name}.log"
        process = processes.Process(lambda _port: command, ready, log, environment)
        process.port = self.port(documented)
        try:
            process.start()
            yield process.port
        finally:
            process.stop()

    def shell(self, readme: str, containing: str) -> None:
        """Run the block of shell commands of a README that holds ``containing``."""
        lines = [
            line
            for line in block(readme, "sh", containing).splitlines()
            if not _NOT_HERE.search(line)
        ]
        script = _PATH.sub(f"{CACHE}/", self.here("\n".join(lines)))
        done = subprocess.run(
            ["/bin/sh", "-euc", script], cwd=self.etc, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"

    def certificates(self) -> ssl.SSLContext:
        """Make certificates as the README says, for this machine's name; return who believes them."""
        text = block("README.md", "sh", "openssl x509").replace("cache.example.test", "localhost")
        done = subprocess.run(
            ["/bin/sh", "-euc", text], cwd=self.etc, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return processes.client_context(self.etc / "ca.pem")


def blocks(readme: str, language: str) -> list[str]:
    """Return the blocks of code of a README below ``cache/``."""
    text = (CACHE / readme).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def block(readme: str, language: str, containing: str) -> str:
    """Return the one block that holds ``containing``."""
    (found,) = [text for text in blocks(readme, language) if containing in text]
    return found
