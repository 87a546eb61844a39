"""Which checks a command line asks for, and what it hands them.

A check runs because it is a default one, because ``--all`` or ``--only`` names it, or because an option
that is about it was given. An option that no chosen check reads is a mistake: its user would believe
that something was checked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.model.errors import UserError
from unibuild.model.suggestions import did_you_mean
from unibuild.verify.checks import BY_NAME, CHECKS
from unibuild.verify.workbench import Options

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from unibuild.verify.checks import Check

_ASKED_BY: dict[str, tuple[str, ...]] = {
    "varied": ("vary",),
    "hardening": ("hardening",),
    "absent": ("absent",),
    "reference": ("reference",),
    "signed": ("signed_by",),
    "policy": ("policy",),
    "reproduced": ("reproduced",),
}
"""Options that ask for a check, by the check's name."""
_READ_BY: dict[str, tuple[str, ...]] = {
    "--provenance": ("artefact", "signed", "policy", "reproduced"),
    "--sources": ("artefact",),
    "--threshold": ("signed",),
    "--vsa": ("reproduced",),
    "--signed-by": ("signed", "policy", "reproduced"),
    "--policy": ("policy",),
}
"""Options without effect when none of these checks is done, such as after ``--skip``."""


def is_file(subject: str) -> bool:
    """Tell whether the subject of ``verify`` is an image file rather than a label."""
    if subject.startswith(("//", ":", "@")):
        return False
    return subject.endswith(".elf") or Path(subject).is_file()


def chosen(arguments: argparse.Namespace) -> tuple[Check, ...]:
    """Return the checks to run, in their order; ``bad-usage`` where the options do not fit."""
    file = is_file(arguments.subject)
    only = _named(arguments.only, "--only")
    names = set(only or _default(arguments, file=file))
    if arguments.all:
        names |= {one.name for one in CHECKS if _fits(one, file=file) and not one.option}
    names |= {name for name, asked in _ASKED_BY.items() if any(map(vars(arguments).get, asked))}
    names -= set(_named(arguments.skip, "--skip"))
    checks = tuple(check for check in CHECKS if check.name in names)
    _refuse(arguments, checks, file=file)
    return checks


def fitting(
    arguments: argparse.Namespace, checks: tuple[Check, ...], *, image: bool
) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    """Return the checks that say something of the target, and the names of those left out.

    One that was asked for by its name or its option stays; it says itself that it needs an image.
    """
    asked = {name for name, options in _ASKED_BY.items() if any(map(vars(arguments).get, options))}
    asked |= set(_split(arguments.only))
    out = tuple(one.name for one in checks if one.of_images and not image and one.name not in asked)
    return tuple(one for one in checks if one.name not in out), out


def options_of(arguments: argparse.Namespace) -> Options:
    """Return what the checks are told."""
    return Options(
        vary=tuple(_split(arguments.vary)),
        reference=arguments.reference,
        provenances=tuple(map(_existing, arguments.provenance)),
        signed_by=tuple(arguments.signed_by),
        threshold=arguments.threshold,
        policy=_existing(arguments.policy) if arguments.policy else None,
        reproduced=arguments.reproduced,
        hardening=arguments.hardening or "base",
        absent=_existing(arguments.absent) if arguments.absent else None,
        sources=Path(arguments.sources).absolute() if arguments.sources else None,
        vsa=Path(arguments.vsa).absolute() if arguments.vsa else None,
        everything=arguments.all,
    )


def _default(arguments: argparse.Namespace, *, file: bool) -> list[str]:
    if file:
        return ["artefact"] if arguments.provenance else []
    return [check.name for check in CHECKS if check.default]


def _refuse(arguments: argparse.Namespace, checks: tuple[Check, ...], *, file: bool) -> None:
    """Raise for what cannot be done as asked."""
    names = {check.name for check in checks}
    for check in checks:
        if not _fits(check, file=file):
            raise _usage(
                f"the check '{check.name}' needs a target, not a file",
                "name a label such as //services/dns:image",
            )
        if check.option and not getattr(arguments, _attribute(check.option)):
            raise _usage(f"the check '{check.name}' needs {check.option}", f"add {check.option}")
    for option, readers in _READ_BY.items():
        if getattr(arguments, _attribute(option)) and names.isdisjoint(readers):
            several = " or ".join(f"'{reader}'" for reader in readers)
            raise _usage(
                f"{option} is given, but no check that reads it was asked for",
                f"it is read by {several}; --only and the options of a check ask for it",
            )
    if not checks:
        raise _usage(
            "no check is left to do",
            "an image file is checked with --provenance, --reference, --signed-by or --policy"
            if file
            else f"checks are {', '.join(BY_NAME)}",
        )


def _fits(check: Check, *, file: bool) -> bool:
    """Tell whether a check can be done on an image file, or on a label."""
    return not file or check.subject != "label"


def _attribute(option: str) -> str:
    """Return what argparse calls the value of an option, written ``--signed-by KEY``."""
    return option.split(maxsplit=1)[0].removeprefix("--").replace("-", "_")


def _named(text: str, option: str) -> list[str]:
    names = _split(text)
    for name in names:
        if name not in BY_NAME:
            raise _usage(
                f"{option}: there is no check '{name}'",
                did_you_mean(name, BY_NAME) or f"checks are {', '.join(BY_NAME)}",
            )
    return names


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _existing(text: str) -> Path:
    path = Path(text).absolute()
    if not path.is_file():
        raise UserError(
            id="missing-file", cause=f"there is no file {text}", hint="name a file that exists"
        )
    return path


def _usage(cause: str, hint: str) -> UserError:
    return UserError(id="bad-usage", cause=cause, hint=hint)


def check_lines() -> Iterable[str]:
    """Return a line of help for each check."""
    for check in CHECKS:
        star = "*" if check.default else " "
        yield f"  {check.name.ljust(11)}{star} {check.summary}"
