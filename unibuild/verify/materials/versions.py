"""Ranges of versions, as a vulnerability states them: ``<1.2.2``, ``>=1.1|<1.2.2``, ``1.2.3-1``.

The syntax is that of the constraints of VERS (``vers:TYPE/…``), in ascending order; a bare version is
one version. Debian's order holds for ``deb``, that of PEP 440 for ``pypi``; of other types only equality is
known. A bound without a Debian revision is about the upstream version.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from unibuild.external.debian_version import sort_key
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

_CONSTRAINT = re.compile(r"(<=|>=|!=|<|>|=)?\s*([0-9A-Za-z][0-9A-Za-z.+:~_-]*)")
_TAG = re.compile(r"^v(?=[0-9])")  # as upstream's Git has it
_REPACKED = re.compile(r"[+~](?:dfsg|ds|repack)[0-9.]*$")

Constraint = tuple[str, str]
"""Comparator (``=`` for a bare version) and version."""


def parse(text: str) -> tuple[Constraint, ...]:
    """Return the constraints of a range; empty for every version. ``UserError`` ``bad-version-range``."""
    body = text.partition("/")[2] if text.startswith("vers:") else text
    if body.strip() in ("", "*"):
        return ()
    found = []
    for word in body.split("|"):
        match = _CONSTRAINT.fullmatch(word.strip())
        if match is None:
            raise UserError(
                "bad-version-range",
                f"`{text}` is no range of versions",
                hint="write versions with `<`, `<=`, `>`, `>=`, `=` before them, joined by `|`, such "
                "as `>=1.1|<1.2.2`",
            )
        found.append((match[1] or "=", match[2]))
    return tuple(found)


def render(constraints: tuple[Constraint, ...]) -> str:
    """Return the text that ``parse`` reads."""
    return "|".join(version if sign == "=" else sign + version for sign, version in constraints)


def contains(constraints: tuple[Constraint, ...], version: str, kind: str) -> bool | None:
    """Tell whether ``version`` of a package of type ``kind`` is in a range; None when nobody can say."""
    if not constraints or ("=", version) in constraints:
        return True
    compare = _comparison(kind)
    if compare is None:
        return None if any(sign != "=" for sign, _ in constraints) or not version else False
    try:
        signs = [(sign, compare(version, bound)) for sign, bound in constraints]
    except ValueError:
        return None
    if ("=", 0) in signs or ("!=", 0) in signs:
        return ("=", 0) in signs
    return _between([one for one in signs if one[0] not in {"=", "!="}])


def _between(bounds: list[tuple[str, int]]) -> bool | None:
    """Whether a version that compares so with ascending bounds lies in one of their intervals.

    None when two bounds of one direction follow each other: they are no intervals, or not in order.
    """
    if any(one[0][0] == other[0][0] for one, other in pairwise(bounds)):
        return None
    above = True
    for sign, order in bounds:
        if sign.startswith(">"):
            above = order > 0 or (order == 0 and sign == ">=")
            continue
        if above and (order < 0 or (order == 0 and sign == "<=")):
            return True
        above = False
    return bool(bounds) and bounds[-1][0].startswith(">") and above


def _comparison(kind: str) -> Callable[[str, str], int] | None:
    if kind == "deb":
        return _compare_debian
    if kind == "pypi":
        return _compare_python
    return None


def _compare_debian(version: str, bound: str) -> int:
    bound = _TAG.sub("", bound)
    if "-" not in bound:
        upstream = version.rpartition("-")[0] or version
        version = _REPACKED.sub("", upstream)
        if ":" not in bound:
            version = version.rpartition(":")[2]
    return _order(sort_key(version), sort_key(bound))


def _compare_python(version: str, bound: str) -> int:
    from packaging.version import Version

    return _order(Version(version), Version(bound))


def _order(first: Any, second: Any) -> int:  # noqa: ANN401 - keys of one order
    return int(first > second) - int(first < second)
