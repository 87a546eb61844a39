# ruff: noqa: INP001 - a script, no package
"""Write docs/reference/ from the code: ``python docs/generate_reference.py``.

A test compares what this makes with what is committed.
"""

from __future__ import annotations

import ast
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from unibuild.verify.checks import Check

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
sys.path.insert(0, str(ROOT))

from unibuild.analysis import reference  # noqa: E402 - found by the line above
from unibuild.cli.completion import actions_of  # noqa: E402
from unibuild.cli.dispatch import parser_for  # noqa: E402
from unibuild.cli.verbs import GROUPS  # noqa: E402
from unibuild.verify.attestation import documentation  # noqa: E402
from unibuild.verify.checks import CHECKS  # noqa: E402
from unibuild.verify.report_schema import schema  # noqa: E402
from unibuild.verify.variations.catalogue import ALL  # noqa: E402

CLASSES = {
    "UserError": 2,
    "HostError": 3,
    "ActionError": 1,
    "DifferenceError": 4,
    "InternalError": 70,
}
NOTE = "<!-- Written by docs/generate_reference.py from the code; edit the code. -->"
VERIFICATION = """\
# Verification

{note}

What `unibuild verify` checks, and what it reports. How to use it in a release pipeline is in
[release-pipeline.md](../release-pipeline.md).

## Checks

{checks}

A check that could not be done is *not done*; it is never *passed*, and the verification as a whole has
not passed then. The first error of a check that failed has the id above.

## Variations

What `varied` changes between the ordinary build and its rebuilds; `--vary` takes these names. One that a
machine cannot do is reported as not done with the reason, and asked for by its name it is an error.

{variations}

## Exit status

0 if every check passed. 4 if one failed by a difference, else 2 if one refused something, 1 if an
action of a rebuild failed, 70 for a fault of unibuild's own, 3 if a check could not be done here.

With `--exit-mask` it is the mask of the checks that did not pass: bits 0 to 6 as above, bit 7 for any
other check, and 255 if no check was reached.

## JSON

`--json` prints one object; `unibuild schema verification` prints this schema of it. The `facts` of each
check are described where the check is implemented, and may grow. If no check was reached, since the build
failed or an option was wrong, there is no report: no JSON, no JUnit file, only the error.

```json
{schema}
```
"""


def pages() -> dict[str, str]:
    """Return the text of every page by its file name."""
    return {
        **reference.pages(),
        "cli.md": _cli_page(),
        "errors.md": _errors_page(),
        "provenance.md": documentation.page(NOTE),
        "verification.md": _verification_page(),
    }


def main() -> None:
    """Write every page, and delete those that are no more."""
    FOLDER.mkdir(exist_ok=True)
    made = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in made and NOTE in path.read_text(encoding="utf-8"):
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def _cli_page() -> str:
    """Return the help of every verb."""
    os.environ["COLUMNS"] = "100"  # help is wrapped to the terminal
    parts = ["# Command line", NOTE]
    for title, verbs in GROUPS:
        parts.append(f"## {title}")
        for verb in verbs:
            parser = parser_for(verb.name)
            parts.append(_help(f"### unibuild {verb.name}", parser))
            parts += [
                _help(f"#### unibuild {verb.name} {name}", inner)
                for name, inner in actions_of(parser).items()
            ]
    return "\n\n".join(parts) + "\n"


def _verification_page() -> str:
    """Return the checks of ``verify``, its exit status, and the shape of its report."""
    rows = [
        f"| `{check.name}` | {check.number} | {check.bit} | `{check.error_id}` | "
        f"{'yes' if check.default else _asked_by(check)} | {check.summary} |"
        for check in CHECKS
    ]
    checks = "\n".join(
        [
            "| Check | Goal | Bit | Error | Default | Passes when |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )
    variations = "\n".join(
        ["| Name | Varies |", "|---|---|", *(f"| `{each.name}` | {each.varies} |" for each in ALL)]
    )
    document = json.dumps(schema(), indent=2)
    return VERIFICATION.format(note=NOTE, checks=checks, variations=variations, schema=document)


def _asked_by(check: Check) -> str:
    return f"`{check.option}`".replace("|", " or ") if check.option else "`--all`"


def _help(heading: str, parser: argparse.ArgumentParser) -> str:
    return f"{heading}\n\n```text\n{parser.format_help().rstrip()}\n```"


def _errors_page() -> str:
    """Return every error id with its exit code, its module and an example from the tests."""
    found: dict[str, tuple[int, set[str]]] = {}
    for folder in ("unibuild", "rules"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for identifier, code in _errors_in(tree):
                found.setdefault(identifier, (code, set()))[1].add(_room(path))
    for check in CHECKS:
        found.setdefault(check.error_id, (0, {"verify"}))
    examples = _examples()
    rows = [
        f"| `{identifier}` | {code or '2 or 4'} | {', '.join(sorted(rooms))} | {examples.get(identifier, '')} |"
        for identifier, (code, rooms) in sorted(found.items())
    ]
    introduction = (
        "Every error has a stable id, shown in brackets: `error[empty-glob]: …`. Tools match on it, "
        "never on the sentence. The exit code says whose affair it is: 1 an action failed, 2 what "
        "the user wrote, 3 the machine, 4 a verification found a difference, 70 unibuild itself."
    )
    table = ["| Id | Exit code | Raised in | Example |", "|---|---|---|---|", *rows]
    return "\n\n".join(["# Errors", NOTE, introduction, "\n".join(table)]) + "\n"


def _errors_in(tree: ast.AST) -> list[tuple[str, int]]:
    """Return the id and exit code of every error that a module makes with a literal id."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        given = [keyword.value for keyword in node.keywords if keyword.arg == "id"]
        if name in CLASSES:
            code = CLASSES[name]
            given = given or node.args[:1]
        elif name == "error" and given:
            code = 2
        else:
            continue
        if given and isinstance(given[0], ast.Constant):
            found.append((str(given[0].value), code))
    return found


def _room(path: Path) -> str:
    """Return the room of a module."""
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "unibuild" else parts[0]


def _examples() -> dict[str, str]:
    """Return for each id the first sentence of the first case in the tests that shows it."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "tests" / "errors" / "cases").glob("*/expected.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("error["):
                identifier, _, cause = line.removeprefix("error[").partition("]: ")
                found.setdefault(identifier, cause.replace("|", "\\|"))
    return found


if __name__ == "__main__":
    main()
