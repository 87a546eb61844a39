"""``go.sum``: the modules of others that a Go program may need, each version with its hash.

A line is ``MODULE VERSION h1:HASH`` for a module's source, or ``MODULE VERSION/go.mod h1:HASH`` for its
requirements (Go Modules Reference, "go.sum files"). Here the file says which packages to pin; Go itself
holds what it is given to the hashes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from unibuild.external.golang import REQUIREMENTS_ONLY, escaped
from unibuild.model.errors import Place, UserError

_LINE = re.compile(
    r"(?P<path>[A-Za-z0-9._~/-]+) (?P<version>v[A-Za-z0-9.+-]+)(?P<requirements>/go\.mod)?"
    r" h1:[A-Za-z0-9+/]{43}="
)


@dataclass(frozen=True, slots=True, order=True)
class Module:
    """One version of a module; ``source`` is false where only its requirements count."""

    path: str
    version: str
    source: bool

    @property
    def purl(self) -> str:
        """The package URL that pins it."""
        url = f"pkg:golang/{self.path}@{self.version}"
        return url if self.source else f"{url}?file_name={REQUIREMENTS_ONLY}"

    @property
    def proxy_path(self) -> str:
        """Where a module proxy has its files, without their endings."""
        return f"{escaped(self.path)}/@v/{self.version}"


def parse(text: str, shown: str) -> tuple[Module, ...]:
    """Return what the file called ``shown`` names, sorted; ``bad-go-sum`` for another line."""
    found: dict[tuple[str, str], Module] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            if not line.strip():
                continue
            raise UserError(
                "bad-go-sum",
                f"this line of `{shown}` has not the form of a go.sum",
                Place(shown, number, 1, line),
                "a line is MODULE VERSION h1:HASH; `go mod tidy` writes the file anew",
            )
        key = (match["path"], match["version"])
        known = found.get(key)
        found[key] = Module(*key, not match["requirements"] or (known is not None and known.source))
    return tuple(sorted(found.values()))
