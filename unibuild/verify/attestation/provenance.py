"""SLSA provenance v1 of an image: the typed record, and how it is read.

What ``read`` returns is what a file says, not what is true: who signed it is another question
(``envelope``, ``signed``). The build type, its parameters and the kinds of dependencies are
documented in docs/reference/provenance.md (``documentation``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field, Strict

from unibuild.verify.attestation import envelope, strict_json
from unibuild.verify.attestation.records import Record, Resource, Resources, Uri, validated
from unibuild.verify.attestation.statement import PROVENANCE, Statement
from unibuild.verify.attestation.strict_json import refuse, shortened

if TYPE_CHECKING:
    from pathlib import Path

BUILD_TYPE = "urn:unibuild:build-type:image:1"
LOCAL_BUILDER = "urn:unibuild:builder:local"
"""unibuild run by anybody anywhere: SLSA build level 1 at most, whoever signs."""
UNSANDBOXED_BUILDER = "urn:unibuild:builder:local-unsandboxed"
"""The same where actions ran without a sandbox; SLSA wants another id for a weaker mode."""


class _Closed(Record):
    """A part of the parameters: whatever it holds that is not documented is refused."""

    model_config = ConfigDict(extra="forbid")


class Source(_Closed):
    """Where the workspace is from; all empty when it is under no version control."""

    uri: Uri = Field(
        "", description="`git+URL` of the repository, without credentials; empty without a remote."
    )
    commit: str = Field("", description="The full id of the commit.")
    path: str = Field("", description="The workspace's folder in the repository; empty: its root.")
    dirty: Annotated[tuple[str, ...], Strict(strict=False)] = Field(
        (), description="Files that were read and are not those of the commit."
    )


class BuildOptions(_Closed):
    """The options that can change an output."""

    digest_function: str = Field(description="`blake3` or `sha256`, as WORKSPACE.toml says.")
    default_platform: str = Field(description="Label of the platform of images that name none.")
    sandbox: str = Field(description="What was asked for: `required`, `auto` or `none`.")


class Parameters(_Closed):
    """``externalParameters`` of our build type."""

    label: str = Field(min_length=1, description="The label of the image.")
    source: Source = Field(description="Where the workspace is from.")
    options: BuildOptions = Field(description="The options that can change an output.")


class Builder(Record):
    """``runDetails.builder``."""

    id: Annotated[Uri, Field(min_length=1)]
    version: dict[str, str] = Field(default_factory=dict)
    builder_dependencies: Resources = ()


class Metadata(Record):
    """``runDetails.metadata``; times are RFC 3339 in UTC."""

    invocation_id: str = ""
    started_on: str = ""
    finished_on: str = ""


class RunDetails(Record):
    """``runDetails``."""

    builder: Builder
    metadata: Metadata = Field(default_factory=Metadata)
    byproducts: Resources = ()


class BuildDefinition(Record):
    """``buildDefinition``."""

    build_type: Annotated[Uri, Field(min_length=1)]
    external_parameters: dict[str, Any]
    internal_parameters: dict[str, Any] = Field(default_factory=dict)
    resolved_dependencies: Resources = ()


class Predicate(Record):
    """The predicate of SLSA provenance v1."""

    build_definition: BuildDefinition
    run_details: RunDetails


class Provenance:
    """One provenance: its statement and its predicate, by the names that checks use."""

    __slots__ = ("predicate", "shown", "statement")

    def __init__(self, statement: Statement, shown: str) -> None:
        """Read the predicate of ``statement``; ``shown`` names the file in errors."""
        if statement.predicate_type != PROVENANCE:
            refuse(
                shown,
                f"is a statement of type {shortened(statement.predicate_type)}, "
                f"not SLSA provenance ({PROVENANCE})",
            )
        self.statement = statement
        self.shown = shown
        self.predicate = validated(Predicate, statement.predicate, shown, "predicate")

    @property
    def build_type(self) -> str:
        """The URI of the build type; ``BUILD_TYPE`` is ours."""
        return self.predicate.build_definition.build_type

    @property
    def external_parameters(self) -> dict[str, Any]:
        """The external parameters as they were read, unknown ones included."""
        return self.predicate.build_definition.external_parameters

    @property
    def parameters(self) -> Parameters:
        """The external parameters of our build type; ``bad-attestation`` for another or for unknown ones."""
        if self.build_type != BUILD_TYPE:
            refuse(
                self.shown,
                f"has the build type {shortened(self.build_type)}, which this unibuild does not know",
            )
        where = "predicate.buildDefinition.externalParameters"
        return validated(Parameters, self.external_parameters, self.shown, where)

    @property
    def sandbox(self) -> str:
        """What the actions ran in: ``bubblewrap``, ``none``, or empty when the builder does not say."""
        value = self.predicate.build_definition.internal_parameters.get("sandbox", "")
        return value if isinstance(value, str) else ""

    @property
    def builder_id(self) -> str:
        """The URI of the builder."""
        return self.predicate.run_details.builder.id

    @property
    def dependencies(self) -> Resources:
        """All resolved dependencies."""
        return self.predicate.build_definition.resolved_dependencies

    def of_kind(self, kind: str) -> tuple[Resource, ...]:
        """Return the dependencies of one kind, such as ``package`` or ``source``."""
        return tuple(one for one in self.dependencies if one.kind == kind)

    def subject(self, role: str) -> Resource | None:
        """Return the subject in a role: ``image``, ``symbols`` or ``manifest``."""
        for one in self.statement.subject:
            if one.annotations.get("role") == role:
                return one
        return None


def read(path: Path) -> Provenance:
    """Read provenance from a statement's file or from an envelope; signatures are not looked at."""
    shown = strict_json.shown_path(path)
    value = strict_json.parse(strict_json.read_bytes(path), shown)
    return Provenance(envelope.statement_in(value, shown), shown)
