"""Licences as SPDX expressions: what `license` accepts in BUILD.toml and WORKSPACE.toml.

An expression has ids of the SPDX list, or ``LicenseRef-NAME`` for one that is not on it, joined by
``AND``, ``OR``, ``WITH`` and parentheses (SPDX specification 2.3, annex D). Ids are written as the list
has them, so that the same licence is always the same text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from unibuild.model.errors import UserError
from unibuild.model.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unibuild.model.errors import Place

_WORD = re.compile(r"[^\s()]+")
_OWN = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")
_OPERATORS = frozenset({"AND", "OR", "WITH"})
_ORDINARY = frozenset(
    {
        "MIT",
        "ISC",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "Apache-2.0",
        "GPL-2.0-only",
        "GPL-2.0-or-later",
        "MPL-2.0",
        "SunPro",
    }
)
"""Ids that need no look at the list, which takes a tenth of a second to load."""
_ORDINARY_EXCEPTION = "Apache-2.0 WITH LLVM-exception"


class _Symbol(Protocol):
    """What is used of an entry of the list."""

    key: str
    aliases: tuple[str, ...]


def check_license(text: str, place: Place | None = None) -> str:
    """Return ``text`` when it is an SPDX expression; ``UserError`` ``bad-license`` otherwise."""
    if _is_ordinary(text):
        return text
    from license_expression import (  # type: ignore[import-untyped]  # it has no annotations
        ExpressionError,
        get_spdx_licensing,
    )

    licensing = get_spdx_licensing()
    try:
        parsed = licensing.parse(text)
        right = parsed.render() if parsed is not None else ""
    except ExpressionError:
        right = ""
    if not right:
        raise UserError(
            "bad-license",
            f"`{text}` is no licence expression",
            place,
            "write ids joined by `AND`, `OR`, `WITH` and parentheses, such as `MIT AND BSD-3-Clause`",
        )
    symbols = licensing.known_symbols
    for word in _WORD.findall(text):
        known = symbols.get(word)
        listed = known is not None and not known.key.startswith("LicenseRef-")
        if not listed and word.upper() not in _OPERATORS and not _OWN.fullmatch(word):
            raise _unknown(word, place, symbols)
    if _WORD.findall(right) != _WORD.findall(text):
        cause = f"`{text}` is no licence expression"
        raise UserError("bad-license", cause, place, f"write `{right}`")
    return text


def _is_ordinary(text: str) -> bool:
    """Whether ``text`` is a plain chain of ordinary ids and our own references."""
    words = text.replace(_ORDINARY_EXCEPTION, "Apache-2.0").split(" ")
    ids, joined = words[::2], words[1::2]
    return (
        len(ids) == len(joined) + 1
        and all(word in {"AND", "OR"} for word in joined)
        and all(word in _ORDINARY or _OWN.fullmatch(word) for word in ids)
    )


def _unknown(word: str, place: Place | None, symbols: Mapping[str, _Symbol]) -> UserError:
    ids = {key: one.aliases for key, one in symbols.items() if not key.startswith("LicenseRef-")}
    meant = [
        key
        for key, aliases in ids.items()
        if word.casefold() in {name.casefold() for name in (key, *aliases)}
    ]
    hint = f"did you mean `{meant[0]}`?" if meant else did_you_mean(word, ids)
    return UserError(
        "bad-license",
        f"`{word}` is no id of the SPDX licence list",
        place,
        hint or "write an id of the list, or `LicenseRef-NAME` for a licence that is not on it",
    )
