"""Policies: what a verifier expects of a provenance, written down.

    builders = ["https://ci.example.com/release@v1"]        # who may have built it
    build_types = ["urn:unibuild:build-type:image:1"]       # the default
    sandbox = true                                          # the default: actions ran in a sandbox
    allow_dirty = false                                     # the default: all sources are a commit's

    [source]
    uri = ["git+https://git.example.com/team/*"]            # * stands for a part without /, ** for any
    commit = "…"                                            # the one that is expected, where it is known
    path = "services"                                       # the workspace's folder in the repository

    [parameters]                                            # all others, exactly
    label = "//services/dns:image"
    options = { sandbox = "required", digestFunction = "blake3", defaultPlatform = "…" }

    [signatures]
    keys = ["release.pub", "ed25519:…"]                     # from this file's folder
    trust = "trust.toml"                                    # or a trust file
    threshold = 2

Rules of use: whatever external parameter a provenance has and the policy does not expect is refused.
Without ``[parameters]`` those that the build type documents may have any value. ``source`` is expected in
``[source]`` only.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

from unibuild.loading.locate import locate
from unibuild.model.errors import UserError
from unibuild.verify.attestation import strict_json, trust
from unibuild.verify.attestation.provenance import BUILD_TYPE, BuildOptions
from unibuild.verify.attestation.strict_json import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from unibuild.verify.attestation.provenance import Provenance
    from unibuild.verify.attestation.trust import Trust

_Words = Annotated[tuple[str, ...], Strict(strict=False)]
_SOURCE = "source"
_LONGEST_SOURCE = 4096
"""Characters of the longest URI that a pattern is tried on: the time grows with their square."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SourcePolicy(_Table):
    """``[source]``."""

    uri: _Words = Field((), description="Patterns of repositories, `git+URL`.")
    commit: str = Field("", description="The full commit id.")
    path: str | None = Field(None, description="The workspace's folder in the repository.")


class SignaturePolicy(_Table):
    """``[signatures]``."""

    keys: _Words = Field((), description="Public keys: PEM files or `ed25519:BASE64`.")
    trust: str = Field("", description="A trust file.")
    threshold: int = Field(0, ge=0, description="How many keys have to have signed.")


class Policy(_Table):
    """A policy file."""

    builders: Annotated[_Words, AfterValidator(trust.some)] = Field(description="Builder ids.")
    build_types: Annotated[_Words, AfterValidator(trust.some)] = Field(
        (BUILD_TYPE,), description="Build types."
    )
    sandbox: bool = Field(True, description="Whether actions must have run in a sandbox.")
    allow_dirty: bool = Field(
        False, description="Whether sources may differ from the commit, or be of none."
    )
    source: SourcePolicy | None = Field(None, description="Where the sources are from.")
    parameters: dict[str, Any] | None = Field(None, description="External parameters, exactly.")
    signatures: SignaturePolicy | None = Field(None, description="Who has to have signed.")


def read(path: Path) -> tuple[Policy, Trust | None]:
    """Return the policy in a file, and whom it wants to have signed (None: it does not say)."""
    shown = strict_json.shown_path(path)
    policy, text = trust.parsed(Policy, strict_json.read_bytes(path, trust.LARGEST_FILE), shown)
    if policy.parameters is not None and _SOURCE in policy.parameters:
        raise UserError(
            id="bad-value",
            cause="`parameters` holds `source`, which has a table of its own",
            place=locate(shown, text, ("parameters", _SOURCE), key=True),
            hint="write it as [source]",
        )
    asked = policy.signatures
    if asked is None:
        return policy, None
    named = trust.of_options([str(path.parent / asked.trust)]) if asked.trust else None
    single = tuple(trust.key_of_text(key, path.parent) for key in asked.keys)
    together = (*(named.keys if named else ()), *single)
    if not together:
        raise UserError(
            id="bad-value",
            cause="`signatures` names no key",
            place=locate(shown, text, ("signatures",)),
            hint='keys = ["release.pub"], or trust = "trust.toml"',
        )
    threshold = asked.threshold or (named.threshold if named else 1)
    return policy, trust.demanded(together, threshold)


def violations(policy: Policy, provenance: Provenance) -> Iterator[tuple[str, str]]:
    """Yield a stable word and a sentence for each expectation that a provenance does not meet."""
    if provenance.builder_id not in policy.builders:
        yield "builder", f"the builder {shortened(provenance.builder_id)} is not expected"
    if provenance.build_type not in policy.build_types:
        yield "build-type", f"the build type {shortened(provenance.build_type)} is not expected"
    if policy.sandbox and provenance.sandbox != "bubblewrap":
        said = shortened(provenance.sandbox) if provenance.sandbox else "it does not say which"
        yield "sandbox", f"a sandbox is demanded, and the actions ran in another: {said}"
    source = provenance.external_parameters.get(_SOURCE)
    yield from _source_violations(policy, source)
    # Where another build type has its commit, only who wrote the policy knows.
    ours = provenance.build_type == BUILD_TYPE
    if ours and not policy.allow_dirty and not (isinstance(source, dict) and source.get("commit")):
        yield "source-dirty", "no commit is named, so that the sources are those of none"
    yield from _parameter_violations(policy, provenance)


def _source_violations(policy: Policy, source: object) -> Iterator[tuple[str, str]]:
    if source is not None and not isinstance(source, dict):
        yield "parameter", "the parameter 'source' is no table"
        return
    said = source or {}
    unknown = sorted(set(said) - {"uri", "commit", "path", "dirty"})
    for name in unknown:
        yield "parameter", f"the parameter {shortened(f'source.{name}')} is not known"
    dirty = said.get("dirty")
    if dirty and not policy.allow_dirty:
        files = ", ".join(map(str, dirty[:3])) if isinstance(dirty, list) else str(dirty)
        yield "source-dirty", f"sources are not those of the commit: {shortened(files)}"
    expected = policy.source
    if expected is None:
        return
    uri, commit, path = (said.get(name, "") for name in ("uri", "commit", "path"))
    if expected.uri and not any(matches(pattern, uri) for pattern in expected.uri):
        yield "source", f"the source {shortened(str(uri))} is not expected"
    if expected.commit and commit != expected.commit:
        yield "source", f"the commit {shortened(str(commit))} is not the expected one"
    if expected.path is not None and path != expected.path:
        yield "source", f"the workspace's folder {shortened(str(path))} is not the expected one"


def _parameter_violations(policy: Policy, provenance: Provenance) -> Iterator[tuple[str, str]]:
    said = dict(_leaves(provenance.external_parameters))
    said = {path: value for path, value in said.items() if path[0] != _SOURCE}
    if policy.parameters is None:
        known = _documented() if provenance.build_type == BUILD_TYPE else set()
        for path in sorted(set(said) - known):
            yield "parameter", f"the parameter {_shown(path)} is not known"
        return
    expected = dict(_leaves(policy.parameters))
    for path in sorted(set(said) - set(expected)):
        yield "parameter", f"the parameter {_shown(path)} is not expected"
    for path in sorted(set(expected) - set(said)):
        yield "parameter", f"the parameter {_shown(path)} is expected and absent"
    for path in sorted(set(expected) & set(said)):
        if not _same(expected[path], said[path]):
            values = f"{_value(said[path])}, not {_value(expected[path])}"
            yield "parameter", f"the parameter {_shown(path)} is {values}"


def matches(pattern: str, text: object) -> bool:
    """Tell whether ``text`` fits: ``*`` stands for characters other than ``/``, ``**`` for any."""
    if not isinstance(text, str) or len(text) > _LONGEST_SOURCE:
        return False
    if "/../" in f"{text}/" or "/./" in f"{text}/":
        return False
    ends = {0}  # where in the text the part of the pattern so far can end
    for part in re.split(r"(\*\*|\*)", pattern):
        if part == "**":
            ends = set(range(min(ends), len(text) + 1)) if ends else ends
        elif part == "*":
            ends = {place for end in ends for place in range(end, _next_slash(text, end) + 1)}
        else:
            ends = {end + len(part) for end in ends if text.startswith(part, end)}
    return len(text) in ends


def _next_slash(text: str, start: int) -> int:
    found = text.find("/", start)
    return len(text) if found < 0 else found


def _documented() -> set[tuple[str, ...]]:
    names = [field.alias or name for name, field in BuildOptions.model_fields.items()]
    return {("label",), *(("options", name) for name in names)}


def _leaves(table: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Yield paths and values; an empty table is a value too, so that it cannot hide."""
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name), value


def _same(expected: object, said: object) -> bool:
    """Compare as JSON does: ``1`` is not ``true``, ``[1]`` not ``[true]``."""
    if isinstance(expected, list) and isinstance(said, list):
        return len(expected) == len(said) and all(map(_same, expected, said))
    return type(expected) is type(said) and expected == said


def _shown(path: tuple[str, ...]) -> str:
    return shortened(".".join(path))


def _value(value: object) -> str:
    return shortened(value if isinstance(value, str) else repr(value))
