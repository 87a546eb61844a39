"""A rule of hardening: its number in the table of properties, its profile, and what it found.

Profiles hold each other: ``base`` is what every image has to keep, ``hardened`` what the standard
toolchain's flags give besides, ``strict`` what images do not have yet and the table wants. A profile
asks for its own rules and those before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from unibuild.verify.hardening.evidence import Evidence

Profile = Literal["base", "hardened", "strict"]
PROFILES: tuple[Profile, ...] = ("base", "hardened", "strict")

_MODULES = ("segments", "compiled", "contents", "randomness", "programs")
"""Each declares its rules when it is loaded."""

Result = Literal["passed", "failed", "not-applicable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: ``reason`` in one sentence, ``evidence`` what it saw, one thing a line."""

    result: Result
    reason: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``id`` is the property's number, ``look`` finds out whether an image keeps it."""

    id: str
    property: str
    profile: Profile
    look: Callable[[Evidence], Finding]


_rules: list[Rule] = []


def rule(
    identifier: str, prop: str, profile: Profile
) -> Callable[[Callable[[Evidence], Finding]], Callable[[Evidence], Finding]]:
    """Declare the decorated function as the rule for a property."""

    def declare(look: Callable[[Evidence], Finding]) -> Callable[[Evidence], Finding]:
        _rules.append(Rule(identifier, prop, profile, look))
        return look

    return declare


def rules() -> tuple[Rule, ...]:
    """Return every rule by its number."""
    for name in _MODULES:
        import_module(f"{__package__}.{name}")
    return tuple(sorted(_rules, key=lambda one: int(one.id[1:])))


def asked(profile: Profile) -> frozenset[Profile]:
    """Return the profiles whose rules ``profile`` asks for."""
    return frozenset(PROFILES[: PROFILES.index(profile) + 1])


def passed(reason: str, *evidence: str) -> Finding:
    """The image keeps the rule."""
    return Finding("passed", reason, evidence)


def failed(reason: str, *evidence: str) -> Finding:
    """The image breaks the rule."""
    return Finding("failed", reason, evidence)


def not_applicable(reason: str, *evidence: str) -> Finding:
    """The image has nothing that the rule is about."""
    return Finding("not-applicable", reason, evidence)
