"""What differs is kept for the user to look at: both makings of the guilty action, and the first cause.

.unibuild/verify/CHECK/expected/PATH   as the ordinary build made it
.unibuild/verify/CHECK/found/PATH      as the rebuild did
"""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.store.files import READ_ONLY, READ_ONLY_EXECUTABLE, copy_new
from unibuild.store.layout import Layout, remove_tree

if TYPE_CHECKING:
    from unibuild.execution.execution_log import LoggedOutput
    from unibuild.verify.comparison import ActionDifference
    from unibuild.verify.workbench import Workbench


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Both makings of the outputs that differ, and what tells them apart in one phrase ("": unknown).

    ``expected`` and ``found`` are folders in which outputs have their paths; a making that is in no
    cache any more is not there.
    """

    expected: Path
    found: Path
    cause: str = ""

    def lines(self) -> tuple[str, ...]:
        """Return the lines that an error's detail gets."""
        said = (f"first cause: {self.cause}",) if self.cause else ()
        return (*said, f"kept: {_shown(self.expected)}", f"      {_shown(self.found)}")

    @property
    def hint(self) -> str:
        """The command that shows all that differs."""
        command = shlex.join(["unibuild", "diff", _shown(self.expected), _shown(self.found)])
        return f"see all that differs: {command}"


def keep(bench: Workbench, check: str, difference: ActionDifference, found_in: Path) -> Exhibit:
    """Keep both makings of the action that differs below ``bench.kept / check``, in place of older ones.

    All its outputs are kept, since one may explain another, as symbols explain an image.
    ``found_in`` is the root of the cache that the rebuild used.
    """
    base = bench.kept / check
    remove_tree(str(base))
    expected, found = base / "expected", base / "found"
    complete = difference.reference is not None and difference.other is not None
    for outputs, cache, place in (
        (difference.reference.outputs if difference.reference else (), bench.cache_root, expected),
        (difference.other.outputs if difference.other else (), found_in, found),
    ):
        place.mkdir(parents=True)
        for output in outputs:
            complete = _copy(bench, cache, output, place) and complete
    return Exhibit(expected, found, _first_cause(expected, found) if complete else "")


def _copy(bench: Workbench, cache: Path, output: LoggedOutput, base: Path) -> bool:
    layout = Layout(str(cache), bench.workspace.digest_function)
    place = base / output.path
    place.parent.mkdir(parents=True, exist_ok=True)
    if output.tree:
        source = Path(layout.path("trees", output.digest))
        if not source.is_dir():
            return False
        shutil.copytree(source, place, symlinks=True)
        for directory, _, _ in os.walk(place):
            Path(directory).chmod(0o755)
        return True
    blob = layout.path("blobs", output.digest)
    shard = Path(blob).parent
    for source in (shard / output.digest, shard / f"{output.digest}.x"):
        if source.is_file():
            mode = READ_ONLY_EXECUTABLE if output.executable else READ_ONLY
            copy_new(str(source), str(place), mode)
            return True
    return False


def _first_cause(expected: Path, found: Path) -> str:
    module = import_module("unibuild.verify.difference")
    difference = module.explain(expected, found)
    return str(difference.first_cause)


def _shown(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
