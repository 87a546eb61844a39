"""Where this machine's Go looks for modules: ``GOPROXY``, as ``go env`` finds it.

Strongest first ("go help environment"): the variable, the user's file (``go env -w`` writes it), and
``go.env`` of the installed Go, which names Go's own default.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VARIABLE = "GOPROXY"
_NOT_A_PROXY = frozenset({"", "direct", "off"})


def module_proxies(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the URLs of the module proxies that Go would ask now, best first."""
    environment = os.environ if environment is None else environment
    setting = environment.get(_VARIABLE, "")
    for path in _files(environment):
        setting = setting or _read(path)
    urls = re.split(r"[,|]", setting)
    return tuple(url.strip().rstrip("/") for url in urls if url.strip() not in _NOT_A_PROXY)


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    own = environment.get("GOENV", "")
    if own and own != "off":
        yield Path(own)
    elif not own:
        home = environment.get("HOME", "")
        folder = environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
        if folder:
            yield Path(folder, "go", "env")
    root = environment.get("GOROOT", "")
    if not root:
        program = shutil.which("go", path=environment.get("PATH"))
        root = str(Path(program).resolve().parents[1]) if program else ""
    if root:
        yield Path(root, "go.env")


def _read(path: Path) -> str:
    """Return the setting in a file of ``NAME=VALUE`` lines, or nothing."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found = [line.partition("=")[2] for line in lines if line.startswith(f"{_VARIABLE}=")]
    return found[-1].strip() if found else ""
