"""The manifest beside an image: what is in it, where that came from, and how to boot it.

The manifest is JSON with sorted keys, a line for each thing, so it diffs line by line. ``format`` counts
its versions: a reader refuses a number that it does not know. Sizes are bytes; digests are ``sha256:HEX``.

    format        2
    assembler     which byte behaviour made the image (``unibuild.image.builtins.ASSEMBLER``)
    label, app    the image's and the program's labels
    image         {file, digest, size} of the boot file
    identity      {digest, offset}: what the image prints about itself when it boots, and where in the
                  boot file it is (``unibuild.image.identity``); null where no code asks for it
    platform      {label, architecture, monitor, machine, cpu, console, monitor_options, devices}:
                  what `unibuild run` needs; ``devices`` are those this image has a driver for
    memory        default size of the machine's memory
    arguments, environment, network
    sandbox       what the actions of the build ran in: ``bubblewrap``, or ``none`` when it was asked for
    files         [{path, digest, size}] of the root file system
    tools         [{purl, license}] of the packages with the tools that made the parts
    components    [{label, kind, description, purl, license, materials, digest, file_bytes, zeroed_bytes,
                  archives, objects, reason}]
                  ``materials`` are the origins of its sources, [{purl, license}]: packages and own files;
                  ``purl`` is the first of them, ``license`` covers all, empty where one is not declared;
                  ``digest`` is of the component's bytes in the boot file, in the order of ``ranges``;
                  ``objects`` are those with a byte in the image, ``dropped`` their functions that have none;
                  ``reason`` is a chain of {from, from_object, symbol, to, to_object}; a step
                  without an object comes from the platform, which boots into that symbol
    sections      [{name, address, size, in_file}] of the linked file that take memory
    unclaimed     bytes that no component brought: headers, filling, what the linker script reserves
    ranges        [[offset, size, owner, object]]: the whole boot file, each byte once
                  (``unibuild.image.ranges``); ``object`` is empty for the image's own parts
    left_out      [{label, kind, description, purl, license, materials, objects}]: what was offered to the linker and has no byte in
                  the image; ``objects`` maps a name to the symbols that the object would define
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from unibuild.model.errors import HostError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FORMAT = 2
_WIDTH = 100
_plain = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False
).encode  # thousands of values: made once

Manifest = dict[str, Any]
"""A parsed manifest: JSON values as the module's text describes them."""


def render(manifest: Manifest) -> str:
    """Return the file's text."""
    return _text(manifest, "") + "\n"


def read(path: Path) -> Manifest:
    """Read a manifest; ``UserError`` ``bad-manifest`` when it is none that this version knows."""
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise HostError(
            "unreadable-manifest", f"cannot read {path}: {error.strerror}", hint="build the image"
        ) from error
    except ValueError as error:
        raise UserError(
            "bad-manifest", f"{path} is not a manifest", hint="build the image again"
        ) from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise UserError(
            "bad-manifest",
            f"{path} has a format that this version does not know",
            hint=f"this version reads format {FORMAT}; build the image again",
        )
    return manifest


def _text(value: Any, indent: str) -> str:  # noqa: ANN401 - JSON
    """Return a JSON value with what is plain on one line: lists of scalars, and small tables."""
    if not isinstance(value, (dict, list)) or not value:
        return _plain(value)
    if not any(isinstance(one, (dict, list)) for one in _inside(value)):
        plain = _plain(value)
        if isinstance(value, list) or len(plain) <= _WIDTH:
            return plain
    deeper = indent + "  "
    if isinstance(value, dict):
        lines = [f"{deeper}{_plain(key)}: {_text(value[key], deeper)}" for key in sorted(value)]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + _text(item, deeper) for item in value) + f"\n{indent}]"


def _inside(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value
