"""Questions about the images of a workspace, answered as JSON by the real command line."""

from __future__ import annotations

import json
from pathlib import Path

from support.command import unibuild


def answer(workspace: Path, *arguments: str) -> dict[str, object]:
    """Return what the command printed; it has to succeed."""
    result = unibuild(*arguments, "--json", cwd=workspace)
    assert result.returncode == 0, result.stderr
    found: dict[str, object] = json.loads(result.stdout)
    return found
