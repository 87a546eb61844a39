"""in-toto Statements v1: which artefacts something is said of, and what kind of thing that is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, Strict

from unibuild.verify.attestation.records import Record, Resource, validated

TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
PROVENANCE = "https://slsa.dev/provenance/v1"
SUMMARY = "https://slsa.dev/verification_summary/v1"


def _some(subjects: tuple[Resource, ...]) -> tuple[Resource, ...]:
    if not subjects:
        raise ValueError("a statement is about something")
    return subjects


class Statement(Record):
    """One statement; ``predicate`` is as it was read."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: Annotated[tuple[Resource, ...], Strict(strict=False), AfterValidator(_some)]
    predicate_type: str = Field(min_length=1)
    predicate: dict[str, Any] = Field(default_factory=dict)

    def names(self, sha256: str) -> bool:
        """Tell whether a subject is the image with this SHA-256 in hexadecimal.

        Of subjects with a role, as our own provenance has them, the image alone counts.
        """
        return any(
            subject.sha256 == sha256 and subject.annotations.get("role", "image") == "image"
            for subject in self.subject
        )


def read_statement(value: object, shown: str) -> Statement:
    """Return the statement that parsed JSON holds."""
    return validated(Statement, value, shown, "statement")


def made(subject: list[dict[str, Any]], predicate_type: str, predicate: object) -> dict[str, Any]:
    """Return a statement as JSON."""
    return {
        "_type": TYPE,
        "subject": subject,
        "predicateType": predicate_type,
        "predicate": predicate,
    }
