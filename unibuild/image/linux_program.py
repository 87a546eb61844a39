"""The built-in actions that take a Linux program and its libraries, checked, before it is scanned."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from unibuild.model.errors import ActionError

if TYPE_CHECKING:
    from unibuild.execution.request import BuiltinCall


def take(call: BuiltinCall) -> None:
    """Run ``linux-program``: the version, the file or folder, a path in it or ``-``, the output."""
    _version, source, path, made = call.arguments
    place = call.inputs[source]
    if path != "-":
        place = place / path
    if not place.is_file():
        raise ActionError("missing-program", f"there is no file `{path}` in {source}")
    shutil.copyfile(place, call.outputs[made])
    call.outputs[made].chmod(0o555)


def find_libraries(call: BuiltinCall) -> None:
    """Run ``linux-libraries``: the version, the program, the output, pairs of path and input."""
    _version, _program, made, *_files = call.arguments
    call.outputs[made].mkdir(exist_ok=True)
