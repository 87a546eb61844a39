"""Write the bill of materials of an image: every part of it with digest, package URL and licence.

    unibuild sbom //services/dns:image
    unibuild sbom //services/dns:image --format spdx -o image.spdx.json

CycloneDX 1.6 or SPDX 2.3, as JSON. The same image and lock give the same document, whose time is that of
SOURCE_DATE_EPOCH, if it is set. It says for every byte of the image which part brought it; compilers and
other build tools are listed apart.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.cli import options
from unibuild.cli.workspace import Composition
from unibuild.model.counting import plural
from unibuild.model.errors import UserError
from unibuild.store.named_files import replace_file

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal
    from unibuild.verify.materials.bill import Bill

FORMATS = ("cyclonedx", "spdx")
_LATEST = 253402300799  # the end of the year 9999, the last that RFC 3339 can write


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the image, the form and the file."""
    parser.add_argument("label", metavar="LABEL", help="the image")
    parser.add_argument(
        "--format", choices=FORMATS, default=FORMATS[0], help="the standard (default: cyclonedx)"
    )
    parser.add_argument(
        "-o", "--output", default="", metavar="FILE",
        help="write to FILE (default: standard output)",
    )  # fmt: skip
    options.add_build_options(parser)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Build the image if need be, and write the document."""
    composition = Composition.here(terminal)
    bill, _ = bill_of(composition, arguments)
    text = _text(bill, arguments.format, source_date_epoch())
    if not arguments.output:
        terminal.data(text.rstrip("\n"))
    else:
        replace_file(Path(arguments.output).absolute(), text.encode())
        parts, packages = len(bill.parts), len(bill.packages)
        terminal.note(
            f"wrote {arguments.output}: {plural(parts, 'part')}, {plural(packages, 'package')}"
        )
    _warn(bill, terminal)
    return 0


def bill_of(composition: Composition, arguments: argparse.Namespace) -> tuple[Bill, Path]:
    """Build the image ``arguments.label`` if need be; return its bill, and where its manifest is."""
    from unibuild.image import manifest
    from unibuild.verify.materials import bill

    path = composition.manifest_path(composition.build_one(arguments, arguments.label))
    found = manifest.read(path)
    image = path.with_name(Path(str(found["image"]["file"])).name).read_bytes()
    return bill.compose(found, image, composition.lock(), composition.shown(str(path))), path


def source_date_epoch() -> int | None:
    """Return the time that documents shall have, in seconds since 1970; None when nobody states one."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not text.isdecimal() or int(text) > _LATEST:
        raise UserError(
            "bad-environment",
            f"SOURCE_DATE_EPOCH is `{text}`, which is no time",
            hint="it is a number of seconds since 1970, such as that of `git log -1 --format=%ct`",
        )
    return int(text)


def _text(bill: Bill, form: str, created: int | None) -> str:
    if form == "spdx":
        from unibuild.verify.materials import spdx

        return spdx.render(bill, spdx.EPOCH if created is None else created)
    from unibuild.verify.materials import cyclonedx

    return cyclonedx.render(bill, created)


def _warn(bill: Bill, terminal: Terminal) -> None:
    """Say what the document cannot say, since nobody declared it."""
    from unibuild.cli.render import warning_line

    silent = [part.label for part in bill.parts if not part.license]
    if silent:
        first = ", ".join(silent[:3]) + (" …" if len(silent) > 3 else "")  # noqa: PLR2004
        text = f"no licence is declared for {first}: write `license` in [package] or WORKSPACE.toml"
        terminal.note(warning_line(text, terminal))
