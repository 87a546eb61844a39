"""What a manifest has to look like before anything is concluded from it.

``manifest.read`` looks at the format's number only, which is enough for a file that the build before
just wrote. Whoever proves something from a manifest checks the whole of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.image.manifest import Manifest


class _Table(NamedTuple):
    """A table with any keys, whose values have one shape."""

    values: object


class _OrNull(NamedTuple):
    """A value that may be missing."""

    shape: object


_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_FILE = {"file": str, "digest": _DIGEST, "size": int}
_ORIGIN = {"purl": str, "license": str}
_KNOWN = {
    "label": str,
    "kind": str,
    "description": str,
    **_ORIGIN,
    "materials": [_ORIGIN],
}
_SHAPE = {
    "format": int,
    "assembler": int,
    "label": str,
    "app": str,
    "image": _FILE,
    "identity": _OrNull({"digest": _DIGEST, "offset": int}),
    "platform": {"label": str, "architecture": str},
    "sandbox": str,
    "files": [{"path": str, "digest": _DIGEST, "size": int}],
    "tools": [_ORIGIN],
    "components": [
        {
            **_KNOWN,
            "digest": _DIGEST,
            "file_bytes": int,
            "zeroed_bytes": int,
            "archives": [_FILE],
            "objects": [{"name": str, "bytes": int}],
        }
    ],
    "ranges": [(int, int, str, str)],
    "left_out": [{**_KNOWN, "objects": _Table([str])}],
}


def check(manifest: Manifest, shown: str) -> None:
    """Raise ``UserError`` ``bad-manifest`` when something is missing or is of another kind."""
    wrong = _misfit(manifest, _SHAPE, "")
    if wrong:
        raise UserError(
            "bad-manifest",
            f"{shown} is not a whole manifest: {wrong}",
            hint="build the image again",
        )


def _misfit(value: object, shape: object, path: str) -> str:
    """Return what is wrong at ``path`` or below it, empty when nothing is."""
    if isinstance(shape, _OrNull):
        return "" if value is None else _misfit(value, shape.shape, path)
    if isinstance(shape, (dict, _Table)):
        return _misfit_of_table(value, shape, path)
    if isinstance(shape, (list, tuple)):
        return _misfit_of_list(value, shape, path)
    if isinstance(shape, re.Pattern):
        fits = isinstance(value, str) and shape.fullmatch(value)
        return "" if fits else f"`{path}` is no digest"
    if shape is int:
        number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return "" if number else f"`{path}` is no size"
    return "" if isinstance(value, str) else f"`{path}` is no text"


def _misfit_of_table(value: object, shape: dict[str, object] | _Table, path: str) -> str:
    if not isinstance(value, dict):
        return f"`{path or '.'}` is no table"
    if isinstance(shape, _Table):
        return _first(_misfit(one, shape.values, _joined(path, key)) for key, one in value.items())
    missing = [key for key in shape if key not in value]
    if missing:
        return f"{f'`{path}`' if path else 'it'} has no `{missing[0]}`"
    return _first(_misfit(value[key], one, _joined(path, key)) for key, one in shape.items())


def _misfit_of_list(value: object, shape: list[object] | tuple[object, ...], path: str) -> str:
    if not isinstance(value, list):
        return f"`{path}` is no list"
    if isinstance(shape, tuple) and len(value) != len(shape):
        return f"`{path}` is no list of {len(shape)}"
    return _first(
        _misfit(one, shape[at] if isinstance(shape, tuple) else shape[0], f"{path}[{at}]")
        for at, one in enumerate(value)
    )


def _first(found: Iterable[str]) -> str:
    return next((one for one in found if one), "")


def _joined(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)
