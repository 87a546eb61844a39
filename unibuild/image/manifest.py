"""The manifest beside an image: what is in it, where that came from, and how to boot it.

The manifest is JSON with sorted keys, so it diffs line by line. ``format`` counts its versions: a
reader refuses a number that it does not know. Sizes are bytes; digests are ``sha256:HEX``.

    format        1
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
    components    [{label, kind, description, file_bytes, zeroed_bytes, archives, objects, reason}]
                  ``reason`` is a chain of {from, from_object, symbol, to, to_object}; a step
                  without an object comes from the platform, which boots into that symbol
    sections      [{name, size, in_file}] of the linked file that take memory
    unclaimed     bytes that no component brought: headers, filling, what the linker script reserves
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from unibuild.model.errors import HostError, UserError

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1

Manifest = dict[str, Any]
"""A parsed manifest: JSON values as the module's text describes them."""


def render(manifest: Manifest) -> str:
    """Return the file's text."""
    return json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


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
