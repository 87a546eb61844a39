"""What one asks about a Linux program in an image: which system calls, because of which function.

Every function takes a parsed manifest; for an image whose program is linked with the kernel the
answers are empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unibuild.image.call_table import PREFIX, is_call
from unibuild.image.link_errors import ENTRY_POINT_PREFIX
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unibuild.image.manifest import Manifest


def calls(manifest: Manifest) -> Mapping[str, Any]:
    """Return the system calls of the program by name, as the manifest has them."""
    program = manifest.get("program")
    return program["calls"] if program else {}


def summary(manifest: Manifest) -> dict[str, Any] | None:
    """Return what `explain` says of the program; None where it is linked with the kernel."""
    program = manifest.get("program")
    if program is None:
        return None
    return {
        key: program[key]
        for key in ("path", "kind", "interpreter", "needed", "settings", "undecided", "warnings")
    } | {
        "calls": sorted(program["calls"]),
        "missing": [
            {"name": name, "because": _because(name, program["calls"][name])}
            for name in program["missing"]
        ],
    }


def call_named(manifest: Manifest, text: str) -> str:
    """Return the program's call that ``text`` names (``sendfile``, ``ub_linux_sendfile``), or ``""``."""
    name = text.removeprefix(PREFIX).removeprefix(ENTRY_POINT_PREFIX)
    return name if name in calls(manifest) else ""


def why(manifest: Manifest, name: str) -> dict[str, Any]:
    """Return why the image answers the call ``name``: who calls it, and what answers it."""
    call = calls(manifest)[name]
    return {
        "image": manifest["label"],
        "call": name,
        "number": call["number"],
        "provided": call["provided"],
        "because": _because(name, call),
        "reasons": call["reasons"],
        "answered_by": [*([call["entry"]] if call["entry"] else []), *call["entry_points"]],
    }


def calls_into(manifest: Manifest, label: str) -> list[dict[str, str]]:
    """Return the program's calls that the component ``label`` answers, with who calls them."""
    return [
        {"call": name, "because": _because(name, call)}
        for name, call in sorted(calls(manifest).items())
        if label in {one["component"] for one in (call["entry"], *call["entry_points"]) if one}
    ]


def because(manifest: Manifest, step: Mapping[str, str]) -> str:
    """Return the last step of a chain in the program's words, ``""`` when it is none of its calls."""
    name = step["symbol"].removeprefix(PREFIX)
    if step["from"] != manifest["app"] or name not in calls(manifest):
        return ""
    return _because(name, calls(manifest)[name])


def refuse_absent_call(manifest: Manifest, text: str) -> None:
    """Raise ``UserError`` ``not-in-image`` when ``text`` is a call that the program does not make."""
    program = manifest.get("program")
    if program is None or not is_call(text):
        return
    raise UserError(
        "not-in-image",
        f"{manifest['label']} has nothing for the system call {text}: no function of "
        f"{program['path']} makes it",
        hint=f'to have it nevertheless: system_calls = ["{text}"] at {manifest["app"]}',
    )


def _because(name: str, call: Mapping[str, Any]) -> str:
    """Return who makes a call, in one sentence."""
    for reason in call["reasons"]:
        function = reason["function"] or f"{reason['address']:#x}"
        return f"{function} of {reason['file']} calls {name}"
    return f"`system_calls` names {name}"
