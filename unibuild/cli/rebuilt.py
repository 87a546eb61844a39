"""``explain --rebuilt``: why actions ran in the last build, down to the field that differs.

Nothing is built. What ran is compared with the last result that is known here, else with the last one
that anybody of the team published.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

from unibuild.cli.remote import RemoteOptions
from unibuild.cli.render import warning_line
from unibuild.model.counting import plural
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.workspace import Composition
    from unibuild.execution.descriptions import Difference
    from unibuild.execution.rebuilt import Ran, Rebuilt

_HASH = re.compile(r"[0-9a-f]{64}")
_SHOWN_OF_HASH = 12
_SHOWN_OF_VALUE = 200
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def show(arguments: argparse.Namespace, composition: Composition) -> int:
    """Print why the actions that ``arguments.label`` needs ran the last time."""
    from unibuild.execution import rebuilt

    workspace = composition.workspace
    text = composition.patterns([arguments.label])[0]
    label = str(workspace.label(text))
    answer = rebuilt.explain(
        str(workspace.root),
        label,
        str(composition.cache_root),
        workspace.digest_function,
        composition.servers(RemoteOptions.of(arguments)).remote,
    )
    if answer is None:
        raise UserError(
            id="no-last-build",
            cause=f"no build of {label} is known in this workspace",
            hint=f"'unibuild build {label}' first; 'unibuild clean' forgets what was built",
        )
    if arguments.json:
        composition.terminal.data(json.dumps(_document(label, answer)))
        return 0
    for note in answer.notes:
        composition.terminal.note(warning_line(note, composition.terminal))
    for line in _lines(label, answer):
        composition.terminal.data(line)
    return 0


def _document(label: str, answer: Rebuilt) -> dict[str, object]:
    from unibuild.execution.rebuilt import SENTENCES

    return {
        "label": label,
        "when": round(answer.when, 3),
        "ran": answer.ran,
        "actions": [
            {
                **ran._asdict(),
                "because": SENTENCES[ran.why],
                "differences": [difference._asdict() for difference in ran.differences],
            }
            for ran in answer.actions
        ],
        "notes": list(answer.notes),
    }


def _lines(label: str, answer: Rebuilt) -> list[str]:
    ago = _age(time.time() - answer.when)
    ran = plural(answer.ran, "action")
    if not answer.actions:
        return [
            f"{label}: nothing that it needs ran in the last build, {ago} ago ({ran} ran in all)"
        ]
    own = plural(len(answer.actions), "action")
    lines = [f"{label}: {own} that it needs ran in the last build, {ago} ago ({ran} in all)"]
    for one in answer.actions:
        lines += ["", *_action_lines(one)]
    return lines


def _action_lines(ran: Ran) -> list[str]:
    from unibuild.execution.rebuilt import SENTENCES

    against = {
        "": "",
        "here": ", compared with the last result here",
        "remote": ", compared with the last result in the remote cache",
    }[ran.against]
    signed = f", signed by {ran.signer}" if ran.signer else ""
    lines = [
        f"{ran.mnemonic} {ran.output} of {ran.label}",
        f"  {SENTENCES[ran.why]}{against}{signed}",
    ]
    width = max((len(difference.field) for difference in ran.differences), default=0)
    return lines + [f"    {_difference(difference, width)}" for difference in ran.differences]


def _difference(difference: Difference, width: int) -> str:
    old, new = (_shown(value) for value in (difference.old, difference.new))
    return f"{difference.field.ljust(width)}  {old or '(none)'} → {new or '(none)'}"


def _shown(value: str) -> str:
    """Return a hash cut to what tells it apart, other values as they are, within reason."""
    if _HASH.fullmatch(value):
        return value[:_SHOWN_OF_HASH]
    return value if len(value) <= _SHOWN_OF_VALUE else value[:_SHOWN_OF_VALUE] + "…"


def _age(seconds: float) -> str:
    for size, name in _UNITS:
        if seconds >= size:
            return plural(int(seconds // size), name)
    return "a moment"
