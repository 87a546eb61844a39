"""Labels name targets, patterns name sets of them; both are written as in Bazel.

    @repository//package/path:name      a target of another repository
    //package/path:name                 a target of the repository in which this is written
    //package/path                      short for //package/path:path
    :name                               a target of the package in which this is written

    //package:all   every target of a package        //package/...   every target at or below it

Rules of use: text becomes a :class:`Label` once, at the edge; everywhere else labels are values,
``str(label)`` is their one canonical spelling, and they sort by it component by component.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from unibuild.model.errors import UserError

_PART = r"[\w.+=~-]+"
_NAME = re.compile(rf"{_PART}\Z")
_PACKAGE = re.compile(rf"(?:{_PART}(?:/{_PART})*)?\Z")
_LABEL = re.compile(r"(?:@(?P<repository>[^/:]*))?(?://(?P<package>[^:]*))?(?::(?P<name>.*))?\Z")
_RECURSIVE = "..."
_SHAPES = "a label is `:name`, `//package:name`, `//package` or `@repository//package:name`"


class Label(NamedTuple):
    """The name of one target. ``repository`` is empty for the main workspace."""

    repository: str
    package: str
    name: str

    def __str__(self) -> str:
        """Return the canonical spelling: always with package and name."""
        if self.repository:
            return f"@{self.repository}//{self.package}:{self.name}"
        return f"//{self.package}:{self.name}"

    @property
    def package_label(self) -> str:
        """Return ``//package`` or ``@repository//package``, for messages."""
        return package_text(self.repository, self.package)


class Pattern(NamedTuple):
    """A set of targets: ``name`` is a target's name, ``all``, or empty with ``recursive`` set."""

    repository: str
    package: str
    name: str
    recursive: bool = False

    @property
    def is_wildcard(self) -> bool:
        """Whether the pattern selects by place and not by the name of one target."""
        return self.recursive or self.name == "all"

    def __str__(self) -> str:
        """Return the pattern as it would be written from anywhere in the main workspace."""
        if not self.recursive:
            return str(Label(self.repository, self.package, self.name))
        text = package_text(self.repository, self.package)
        return text + (_RECURSIVE if text.endswith("//") else f"/{_RECURSIVE}")


def package_text(repository: str, package: str) -> str:
    """Return how a package is written: ``//package`` or ``@repository//package``."""
    return f"@{repository}//{package}" if repository else f"//{package}"


def is_target_name(name: str) -> bool:
    """Whether ``name`` can name a target: letters, digits and ``_ . + = ~ -``."""
    return _NAME.match(name) is not None and name not in {".", "..", _RECURSIVE}


def is_package_path(path: str) -> bool:
    """Whether ``path`` can be a package: names joined by ``/``, none of them ``.`` or ``..``."""
    if _PACKAGE.match(path) is None:
        return False
    return not any(part in {".", "..", _RECURSIVE} for part in path.split("/"))


def looks_like_label(text: str) -> bool:
    """Whether ``text`` in a list of sources means a target and not a file."""
    return text.startswith((":", "//", "@"))


def parse_label(text: str, repository: str, package: str) -> Label:
    """Read ``text`` as written in ``package`` of ``repository``.

    Raises ``UserError`` ``bad-label`` without a place; the caller knows where the text stands.
    """
    match = _LABEL.match(text)
    if match is None or not text:
        raise _bad(text, _hint_for_bare(text))
    other, path, name = match.groups()
    if path is None:
        if other is not None or name is None:
            raise _bad(text, _hint_for_bare(text))
        path = package
    else:
        repository = repository if other is None else other
        if name is None:
            name = path.rpartition("/")[2]
    if other is not None and _NAME.match(other) is None:
        raise _bad(text, _SHAPES)
    if not is_package_path(path):
        raise _bad(text, _hint_for_package(path, match["name"]))
    if not name:
        raise _bad(text, f"name the target: `{package_text(repository, path)}:NAME`")
    if not is_target_name(name):
        raise _bad(text, "a target's name has letters, digits and `_ . + = ~ -` only")
    return Label(repository, path, name)


def parse_pattern(text: str, repository: str = "", package: str = "") -> Pattern:
    """Read a pattern as typed in ``package``: a label, ``…:all`` or ``…/...``.

    Raises ``UserError`` ``bad-label`` without a place.
    """
    if text.endswith(_RECURSIVE) and ":" not in text:
        match = _LABEL.match(text.removesuffix(_RECURSIVE))
        head = match["package"] if match is not None else None
        if match is None:
            raise _bad(text, _SHAPES)
        if head is None:
            if match["repository"] is not None or text != _RECURSIVE:
                raise _bad(text, "a recursive pattern is `//...` or `//package/...`")
            return Pattern(repository, package, "", recursive=True)
        if (head and not head.endswith("/")) or not is_package_path(head.removesuffix("/")):
            raise _bad(text, "a recursive pattern is `//...` or `//package/...`")
        other = match["repository"]
        return Pattern(
            repository if other is None else other, head.removesuffix("/"), "", recursive=True
        )
    if text and not looks_like_label(text):
        raise _bad(text, _hint_for_bare(text))
    label = parse_label(text, repository, package)
    return Pattern(label.repository, label.package, label.name)


def _hint_for_bare(text: str) -> str:
    """Return what to write for a name without its leading ``:`` or ``//``."""
    if is_target_name(text):
        return f"for a target of this package write `:{text}`"
    package, _, name = text.partition(":")
    if is_package_path(package) and (not name or is_target_name(name)):
        return f"write `//{text}`"
    return _SHAPES


def _hint_for_package(path: str, name: str | None) -> str:
    """Return why ``path`` is no package, with the corrected label where that is plain."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    corrected = "/".join(parts)
    if corrected != path and is_package_path(corrected):
        return f"write `//{corrected}:{name}`" if name else f"write `//{corrected}`"
    if ".." in parts:
        return "a label starts at the root of its repository and never goes up with `..`"
    return "a package is folder names joined by `/`: letters, digits and `_ . + = ~ -`"


def _bad(text: str, hint: str) -> UserError:
    """Return the error for a label that cannot be read."""
    return UserError("bad-label", f"`{text}` is not a label", hint=hint)
