"""The JSON Schema (draft 2020-12) of what ``unibuild verify --json`` prints.

``unibuild schema verification`` prints it; the tests hold every report against it.
"""

from __future__ import annotations

from typing import Any

from unibuild.verify.checks import CHECKS
from unibuild.verify.report import FORMAT

STATUSES = ("passed", "failed", "not-done")
ERROR_KINDS = ("difference", "user", "host", "action", "internal")


def schema() -> dict[str, Any]:
    """Return the schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Report of unibuild verify",
        **_object(
            format=_described({"const": FORMAT}, "Version of this shape."),
            unibuild=_text("Version of unibuild that verified."),
            subject=_object(
                label=_text("The target; empty for a file."),
                file=_text("The image file; empty for a target that is no image."),
                digest=_text(
                    "`sha256:HEX` of the image file; empty for a target that is no image."
                ),
            ),
            verdict=_described(
                {"enum": list(STATUSES)},
                "`passed` only if every check passed; `failed` if any failed.",
            ),
            failed=_mask("The checks that failed."),
            not_done=_mask("The checks that were asked for and could not be done here."),
            checks={
                "type": "array",
                "description": "The checks that were asked for, in the order in which they ran.",
                "items": _check(),
            },
            seconds=_seconds("From the start of the build to the last check."),
        ),
    }


def _check() -> dict[str, Any]:
    return _object(
        name=_described({"enum": [check.name for check in CHECKS]}, "Name of the check."),
        number=_text("Number of the goal, such as `V3`."),
        bit=_described({"type": "integer", "minimum": 0}, "Its bit in the masks."),
        status={"enum": list(STATUSES)},
        summary=_text("What was found, in one short sentence."),
        errors={
            "type": "array",
            "description": "Empty exactly if the check passed.",
            "items": _error(),
        },
        notes=_texts("Parts that were not done, observations without effect."),
        facts=_described(
            {"type": "object"}, "What was measured and seen; a shape of its own for each check."
        ),
        seconds=_seconds("How long the check took."),
    )


def _error() -> dict[str, Any]:
    place = _object(
        file=_text("The file, from the workspace where it is in it."),
        line=_described({"type": "integer", "minimum": 0}, "From 1; 0: the file as a whole."),
        column=_described({"type": "integer", "minimum": 0}, "From 1; 0: the line as a whole."),
    )
    return _object(
        id=_text("Stable id."),
        kind=_described({"enum": list(ERROR_KINDS)}, "Whose affair it is."),
        cause=_text("One sentence."),
        place={"oneOf": [place, {"type": "null"}]},
        hint=_text("What to do about it; may be empty."),
        detail=_texts("Further lines."),
    )


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    """Return an object that has these members, and in later versions perhaps others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def _described(shape: dict[str, Any], description: str) -> dict[str, Any]:
    return {**shape, "description": description}


def _text(description: str) -> dict[str, Any]:
    return _described({"type": "string"}, description)


def _texts(description: str) -> dict[str, Any]:
    return _described({"type": "array", "items": {"type": "string"}}, description)


def _mask(description: str) -> dict[str, Any]:
    return _described(
        {"type": "integer", "minimum": 0}, f"{description} Bit N stands for the check of bit N."
    )


def _seconds(description: str) -> dict[str, Any]:
    return _described({"type": "number", "minimum": 0}, description)
