"""What a rule accepts: attributes as a pydantic model, apart from how the rule works.

    class GreetingAttributes(Attributes):
        srcs: Sources = Field((), description="Text files to greet with.")
        name: str = Field(description="Whom to greet.")

The field types below carry, beside the shape of the value, what its strings refer to, so that the
graph of targets is known before any rule runs. Every field has a description: the reference page
and the JSON Schema are made from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, Strict

if TYPE_CHECKING:
    from collections.abc import Iterable


class Refers(StrEnum):
    """What the strings of an attribute refer to."""

    SOURCES = "sources"
    """A list of files, globs, `!exclusions` and labels."""
    SOURCE = "source"
    """One file or one label; empty for none."""
    LABELS = "labels"
    """A list of labels."""
    LABEL = "label"
    """One label; empty for none."""
    GO_SUM = "go-sum"
    """One file of the package in the form of go.sum: names packages; empty for none."""
    SOURCE_MAP = "source-map"
    """A table whose values are each one file or one label."""
    FOLDER_MAP = "folder-map"
    """A table whose values are each one folder or label, or a list of them; or a list of names."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Marks the type of an attribute whose strings refer to files or targets."""

    kind: Refers


Sources = Annotated[tuple[str, ...], Strict(strict=False), Reference(Refers.SOURCES)]
"""Files of the package by name or glob (`*`, `**`), `!pattern` to exclude, and labels."""

OneSource = Annotated[str, Reference(Refers.SOURCE)]
"""One file of the package, or the label of a target with one output; empty for none."""

GoSum = Annotated[str, Reference(Refers.GO_SUM)]
"""The package's go.sum, whose modules are external packages; empty for none."""

LabelList = Annotated[tuple[str, ...], Strict(strict=False), Reference(Refers.LABELS)]
"""Labels of other targets."""

OneLabel = Annotated[str, Reference(Refers.LABEL)]
"""The label of another target; empty for none."""

SourceMap = Annotated[dict[str, str], Reference(Refers.SOURCE_MAP)]
"""A table from a name of your choice to a file of the package or a label."""

Strings = Annotated[tuple[str, ...], Strict(strict=False)]
"""Plain strings."""

StringMap = dict[str, str]
"""A table of plain strings."""

StringsMap = dict[str, Strings]
"""A table of lists of plain strings."""

FolderMap = Annotated[Strings | dict[str, str | Strings], Reference(Refers.FOLDER_MAP)]
"""A table from a name of your choice to a folder of the package, with all that is in it, to a label, or
to a list of them; or a list of plain strings."""


def listed(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return the elements of a value that is one string or a list of them."""
    return (value,) if isinstance(value, str) else tuple(value)


class Attributes(BaseModel):
    """The attributes that every rule has; a rule's own model derives from it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=False)

    description: str = Field("", description="One sentence for people; shown by listings.")
    visibility: Strings | None = Field(
        None,
        description="Who may depend on this target: `//visibility:public`, "
        "`//visibility:private` (its own package), `//package` or `//package/...`. "
        "Default: that of `[package]`, else every package of the same repository.",
    )
    tags: Strings = Field(
        (),
        description="Free words. `manual` keeps the target out of patterns such as `//...`.",
    )
