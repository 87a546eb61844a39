"""Package URLs, the names of external artefacts: ``pkg:deb/debian/musl@1.2.3-1?arch=source``.

A package URL here always names one version of one package, of a type that unibuild can fetch
(``pypi``, ``deb``, ``golang``). A fragment, ``#FILE``, names one of several files of the package. The canonical
form is that of the specification (purl-spec, "How to build purl string from its components"), save
that ``+`` stays as Debian's versions are written.
"""

from __future__ import annotations

from dataclasses import dataclass

from unibuild.model.errors import Place, UserError

TYPES = ("deb", "golang", "pypi")
_EXAMPLES = {
    "deb": "pkg:deb/debian/musl@1.2.3-1?arch=source",
    "golang": "pkg:golang/github.com/google/uuid@v1.6.0",
    "pypi": "pkg:pypi/ziglang@0.17.1",
}
_QUALIFIERS = {
    "deb": frozenset({"arch", "distro"}),
    "golang": frozenset({"file_name"}),
    "pypi": frozenset({"file_name"}),
}


@dataclass(frozen=True, slots=True, order=True)
class Purl:
    """One version of one package; ``qualifiers`` are sorted by key. ``namespace`` may be empty."""

    type: str
    namespace: str
    name: str
    version: str
    qualifiers: tuple[tuple[str, str], ...] = ()

    def qualifier(self, key: str) -> str:
        """Return the value of a qualifier, or an empty string."""
        return dict(self.qualifiers).get(key, "")

    @property
    def distribution(self) -> str:
        """Return the distribution that a Debian package belongs to (``debian``, ``ubuntu``)."""
        return self.namespace.split("/", maxsplit=1)[0]

    def with_version(self, version: str) -> Purl:
        """Return the same package in another version."""
        return Purl(self.type, self.namespace, self.name, version, self.qualifiers)

    def __str__(self) -> str:
        """Return the canonical form."""
        from packageurl import PackageURL

        url = PackageURL(
            self.type, self.namespace or None, self.name, self.version, dict(self.qualifiers)
        )
        return str(url.to_string()).replace("%2B", "+").replace("%3A", ":")


def split_file(text: str) -> tuple[str, str]:
    """Split ``pkg:…#FILE`` into the package URL and the file's name (empty: the main file)."""
    purl, _, file = text.partition("#")
    return purl, file


def parse(text: str, place: Place | None = None) -> Purl:
    """Parse a package URL without a fragment; ``bad-purl`` when it is none that can be fetched."""
    from packageurl import PackageURL

    try:
        url = PackageURL.from_string(text)
    except ValueError:
        raise _bad(text, f"'{text}' is no package URL", place) from None
    if url.type not in TYPES:
        raise UserError(
            id="bad-purl",
            cause=f"packages of type '{url.type}' cannot be fetched",
            place=place,
            hint=f"the types are {', '.join(TYPES)}, for example {_EXAMPLES['pypi']}",
        )
    if not url.version:
        raise _bad(text, f"'{text}' names no version", place, url.type)
    if url.type == "deb" and not url.namespace:
        raise _bad(text, f"'{text}' names no distribution", place, url.type)
    if url.subpath:
        raise _bad(text, f"'{text}' names a file where a package is expected", place, url.type)
    qualifiers = tuple(sorted(dict(url.qualifiers).items()))
    unknown = [key for key, _ in qualifiers if key not in _QUALIFIERS[url.type]]
    if unknown:
        known = " and ".join(f"'{key}'" for key in sorted(_QUALIFIERS[url.type]))
        raise UserError(
            id="bad-purl",
            cause=f"'{text}' has an unknown qualifier '{unknown[0]}'",
            place=place,
            hint=f"type '{url.type}' knows {known}",
        )
    if url.type == "deb" and not dict(qualifiers).get("arch"):
        raise _bad(text, f"'{text}' names no architecture", place, url.type)
    return Purl(url.type, url.namespace or "", url.name, url.version, qualifiers)


def _bad(text: str, cause: str, place: Place | None, kind: str = "") -> UserError:
    kind = kind or next((one for one in TYPES if text.startswith(f"pkg:{one}/")), "pypi")
    example = _EXAMPLES.get(kind)
    return UserError(id="bad-purl", cause=cause, place=place, hint=f"write it like {example}")
