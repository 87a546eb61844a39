"""Whom a verifier trusts: keys with their names, when they expire, and which builders they may sign for.

``--signed-by`` names a public key (PEM file or ``ed25519:BASE64``), which may then sign for any builder
and never expires, or a trust file:

    threshold = 2                             # how many keys have to have signed; default 1

    [[key]]
    name = "release"                          # what messages call it
    key = "ed25519:…"                         # or file = "release.pub", beside this file
    expires = 2027-06-30T00:00:00Z            # a signature is refused from then on
    operator = "team A"                       # keys of one operator count as one independent party
    builders = ["https://ci.example.com/release@v1"]
    level = 2                                 # SLSA build level of these builders; default 1

Rules of use: a key counts once, under however many names it comes. Local builders
(``urn:unibuild:builder:…``) never reach more than level 1, whatever a trust file says.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationError

from unibuild.loading.locate import locate
from unibuild.loading.toml_file import decode, parse_toml
from unibuild.loading.validation import validation_errors
from unibuild.model.errors import ErrorGroup, UserError
from unibuild.store.remote.signatures import KEY_PREFIX
from unibuild.verify.attestation import keys, strict_json
from unibuild.verify.attestation.provenance import LOCAL_BUILDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from securesystemslib.signer import SSlibKey

LARGEST_FILE = 1 << 20


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def some(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse an empty list."""
    if not values:
        raise ValueError("at least one is wanted")
    return values


class KeyEntry(_Table):
    """One ``[[key]]``."""

    name: str = Field("", description="What messages call the key.")
    key: str = Field("", description="The public key, `ed25519:BASE64`.")
    file: str = Field("", description="Or its PEM file, from the folder of this file.")
    expires: dt.datetime | dt.date | None = Field(None, description="Refused from then on (UTC).")
    operator: str = Field("", description="Who holds it; keys of one operator count as one party.")
    builders: Annotated[tuple[str, ...], Strict(strict=False)] = Field(
        (), description="Builder ids it may sign for; none: any."
    )
    level: int = Field(1, ge=1, le=3, description="SLSA build level of these builders.")


class TrustFile(_Table):
    """A trust file."""

    threshold: int = Field(1, ge=1, description="How many keys have to have signed.")
    key: Annotated[tuple[KeyEntry, ...], Strict(strict=False), AfterValidator(some)] = Field(
        description="The keys, at least one."
    )


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """One key; ``operator`` is empty where the key itself is the party."""

    name: str
    key: SSlibKey
    expires: dt.datetime | None = None
    operator: str = ""
    builders: tuple[str, ...] = ()
    level: int = 1

    @property
    def party(self) -> str:
        """Who signs with it, as far as the verifier knows: what has to differ to be independent."""
        return f"operator {self.operator}" if self.operator else f"key {self.key.keyid}"

    def expired(self, now: dt.datetime) -> bool:
        """Tell whether its time is over."""
        return self.expires is not None and now >= self.expires

    def may_sign_for(self, builder: str) -> bool:
        """Tell whether it may vouch for a builder."""
        return not self.builders or builder in self.builders

    def level_of(self, builder: str) -> int:
        """Return the SLSA build level that its signature gives to what a builder made."""
        if builder == LOCAL_BUILDER or builder.startswith(f"{LOCAL_BUILDER}-"):
            return 1
        return self.level


@dataclass(frozen=True, slots=True)
class Trust:
    """Keys, each once, and how many of them have to have signed."""

    keys: tuple[TrustedKey, ...]
    threshold: int = 1


def of_options(named: Sequence[str], threshold: int = 0) -> Trust:
    """Return whom ``--signed-by`` (as often as given) and ``--threshold`` (0: not given) name."""
    found = [_named(text) for text in named]
    together = tuple(key for trust in found for key in trust.keys)
    return demanded(together, threshold or max((trust.threshold for trust in found), default=1))


def demanded(together: Sequence[TrustedKey], threshold: int) -> Trust:
    """Return a trust of distinct keys; ``UserError`` when they can never reach the threshold."""
    distinct: dict[str, TrustedKey] = {}
    for one in together:
        before = distinct.setdefault(one.key.keyid, one)
        if (before.expires, before.builders, before.operator, before.level) != (
            one.expires, one.builders, one.operator, one.level,
        ):  # fmt: skip
            raise UserError(
                id="key-named-twice",
                cause=f"the key {keys.name_of(one.key)} is named twice, with different limits",
                hint="name each key once",
            )
    if threshold > len(distinct):
        raise UserError(
            id="threshold-too-high",
            cause=f"{threshold} keys have to have signed, and {len(distinct)} are named",
            hint="name more keys, or ask for fewer; a key that is named twice counts once",
        )
    return Trust(tuple(distinct.values()), threshold)


def key_of_text(text: str, folder: Path | None = None) -> TrustedKey:
    """Return the key that ``ed25519:BASE64`` or a PEM file (from ``folder``) names."""
    if text.startswith(KEY_PREFIX):
        return _unnamed(keys.public_of_text(text))
    path = folder / text if folder else Path(text)
    data = strict_json.read_bytes(path, LARGEST_FILE)
    return _unnamed(keys.public_of_pem(data, str(path)), path.name)


def parsed(model: type[BaseModel], data: bytes, shown: str) -> tuple[Any, str]:
    """Return a TOML file as a ``model``, and its text; each mistake is an error at its place."""
    text = decode(data, shown)
    tables = parse_toml(text, shown)
    try:
        return model.model_validate(tables), text
    except ValidationError as fault:
        errors = validation_errors(fault, model, shown, shown, text, (), tables)
        raise errors[0] if len(errors) == 1 else ErrorGroup(tuple(errors)) from None


def _named(text: str) -> Trust:
    if text.startswith(KEY_PREFIX):
        return Trust((key_of_text(text),))
    path = Path(text)
    data = strict_json.read_bytes(path, LARGEST_FILE)
    if keys.public_pem(data):
        return Trust((_unnamed(keys.public_of_pem(data, text), path.name),))
    if path.suffix != ".toml":
        raise UserError(
            id="bad-public-key",
            cause=f"{text} is no public key in PEM form",
            hint="name a PEM file, a trust file that ends in .toml, or ed25519:BASE64",
        )
    file, source = parsed(TrustFile, data, text)
    return Trust(
        tuple(_entry(entry, index, path, source) for index, entry in enumerate(file.key)),
        file.threshold,
    )


def _entry(entry: KeyEntry, index: int, path: Path, text: str) -> TrustedKey:
    shown = str(path)
    if bool(entry.key) == bool(entry.file):
        raise UserError(
            id="bad-value",
            cause="a key is written as `key` or as `file`, one of them",
            place=locate(shown, text, ("key", index)),
            hint=f'key = "{KEY_PREFIX}…" or file = "NAME.pub"',
        )
    field = "key" if entry.key else "file"
    try:
        described = keys.public_of_text(entry.key) if entry.key else key_of_text(
            f"./{entry.file}", path.parent
        ).key  # fmt: skip
    except UserError as error:
        error.place = error.place or locate(shown, text, ("key", index, field))
        raise
    return TrustedKey(
        entry.name or keys.name_of(described),
        described,
        _moment(entry.expires),
        entry.operator,
        entry.builders,
        entry.level,
    )


def _unnamed(key: SSlibKey, name: str = "") -> TrustedKey:
    return TrustedKey(name or keys.name_of(key), key)


def _moment(expires: dt.datetime | dt.date | None) -> dt.datetime | None:
    """Return when a key expires; a date stands for its beginning, and without a zone for UTC."""
    if expires is None:
        return None
    if not isinstance(expires, dt.datetime):
        return dt.datetime(expires.year, expires.month, expires.day, tzinfo=dt.UTC)
    return expires if expires.tzinfo else expires.replace(tzinfo=dt.UTC)
