"""Artefacts: the files and directories that flow between actions, named by their paths.

An artefact has one workspace-wide name and two faces inside an action (docs/architecture.md,
"Execution layout"): where it is read (``input_path``) and where it is written (``output_path``).
The two differ so that a sandbox needs one read-only and one writable mount, whatever an action
reads and writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

GENERATED_PREFIX = "unibuild-gen"
OUTPUT_PREFIX = "unibuild-out"
EXTERNAL_PREFIX = "external"


class Origin(StrEnum):
    """Where the bytes of an artefact come from."""

    SOURCE = "source"
    """A file of the main workspace or of another repository."""
    GENERATED = "generated"
    """An output of exactly one action."""
    LITERAL = "literal"
    """Bytes known when the graph was made; no action writes them."""
    PACKAGE = "package"
    """An external package file, pinned by its digest in ``unibuild.lock``."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file, or a directory tree when ``tree`` is set.

    ``path`` is relative, with ``/``; for a source it is where actions read it
    (``services/dns/zone.c``, ``external/unibuild/kernel/panic/panic.c``), otherwise the package
    path and name without a prefix (``services/dns/dns``). ``content`` is set for literals only,
    ``purl`` for packages only (the package URL, with ``#file`` when it has several files).
    """

    origin: Origin
    path: str
    tree: bool = False
    executable: bool = False
    content: bytes | None = None
    purl: str = ""

    @property
    def input_path(self) -> str:
        """Where an action that reads this artefact finds it, relative to its working directory."""
        if self.origin is Origin.SOURCE:
            return self.path
        return f"{GENERATED_PREFIX}/{self.path}"

    @property
    def output_path(self) -> str:
        """Where the action that makes it writes it, and where the user finds it."""
        return f"{OUTPUT_PREFIX}/{self.path}"
