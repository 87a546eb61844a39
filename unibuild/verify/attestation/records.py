"""Records of attestations as pydantic reads them: known fields checked, unknown ones ignored.

in-toto's parsing rules ask for that: a reader ignores fields that it does not know, and takes null
for absent. Where an unknown field must not be ignored (``externalParameters``) the value is kept as it
is, for the policy to look at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from unibuild.verify.attestation.strict_json import refuse, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHA256 = re.compile(r"[0-9a-f]{64}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
Model = TypeVar("Model", bound=BaseModel)


class Record(BaseModel):
    """Base of what attestations hold: names in lowerCamelCase, nothing converted."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, dict):
            return {name: inner for name, inner in value.items() if inner is not None}
        return value


def _plain_digests(digests: dict[str, str]) -> dict[str, str]:
    sha256 = digests.get("sha256")
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise ValueError("a sha256 is 64 hexadecimal digits in lower case")
    return digests


def _uri(text: str) -> str:
    if text and not is_uri(text):
        raise ValueError(f"{shortened(text)} is no URI")
    return text


def is_uri(text: str) -> bool:
    """Tell whether ``text`` has the form of a URI: a scheme, a colon, and no blanks."""
    return _URI.fullmatch(text) is not None


Uri = Annotated[str, AfterValidator(_uri)]
Digests = Annotated[dict[str, str], AfterValidator(_plain_digests)]


class Resource(Record):
    """in-toto's ResourceDescriptor: one artefact, by digest, URI or name."""

    name: str = ""
    uri: Uri = ""
    digest: Digests = Field(default_factory=dict)
    media_type: str = ""
    download_location: str = ""
    annotations: dict[str, Any] = Field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """The SHA-256 in hexadecimal, or an empty string."""
        return self.digest.get("sha256", "")

    @property
    def kind(self) -> str:
        """What our own build type says that this is (``package``, ``source``, …), or nothing."""
        kind = self.annotations.get("kind", "")
        return kind if isinstance(kind, str) else ""


Resources = Annotated[tuple[Resource, ...], Strict(strict=False)]


def validated(model: type[Model], value: object, shown: str, where: str) -> Model:
    """Return ``value`` as a ``model``; ``bad-attestation`` names the first field that is wrong."""
    try:
        return model.model_validate(value)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join([where, *(str(part) for part in first["loc"])])
        if first["type"] == "missing":
            refuse(shown, f"lacks {shortened(path, 80)}")
        words = first["msg"].removeprefix("Value error, ")
        refuse(shown, f"has a wrong {shortened(path, 80)}: {words[:1].lower()}{words[1:]}")


def document(record: BaseModel) -> Mapping[str, Any]:
    """Return the JSON form of a record; what is empty is absent."""
    return record.model_dump(by_alias=True, exclude_defaults=True, mode="json")
