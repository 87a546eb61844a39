"""Both documents of an image, written twice and read back.

The second time they are written by another process with another hash seed, time zone and locale, which
is this module run as a program: ``MANIFEST IMAGE FOLDER LOCK…``. What they say is read back and added up:
ranges, digests and package URLs have to be those of the bill.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import unibuild
from unibuild.external import lock as locks
from unibuild.image import manifest as manifests
from unibuild.model.errors import DifferenceError
from unibuild.verify.materials import bill as bills
from unibuild.verify.materials import cyclonedx, spdx

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unibuild.model.errors import UnibuildError
    from unibuild.verify.materials.bill import Bill

NAMES = {"cyclonedx": "bill.cdx.json", "spdx": "bill.spdx.json"}
_ID = "materials-incomplete"
_OTHERWISE = {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "COLUMNS": "31"}


def write(bill: Bill, folder: Path) -> dict[str, Path]:
    """Write both documents into ``folder``; return their paths by format."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"cyclonedx": cyclonedx.render(bill), "spdx": spdx.render(bill)}
    paths = {form: folder / NAMES[form] for form in texts}
    for form, path in paths.items():
        path.write_text(texts[form], "utf-8")
    return paths


def problems(
    bill: Bill, written: dict[str, Path], sources: Sequence[Path], folder: Path
) -> Iterator[UnibuildError]:
    """Yield what is wrong with the documents; ``sources`` are manifest, image and lock files."""
    manifest, image, *lock_files = (str(path) for path in sources)
    command = [sys.executable, "-m", __name__, manifest, image, str(folder), *lock_files]
    places = (str(Path(unibuild.__file__).parents[1]), os.environ.get("PYTHONPATH", ""))
    environment = {**os.environ, **_OTHERWISE, "PYTHONPATH": ":".join(filter(None, places))}
    done = subprocess.run(command, env=environment, capture_output=True, check=False, cwd="/")
    for form, path in written.items():
        again = folder / NAMES[form]
        if done.returncode or again.read_bytes() != path.read_bytes():
            lines = done.stderr.decode("utf-8", "replace").splitlines()
            yield DifferenceError(
                _ID,
                f"the {form} document is not the same when it is written once more",
                hint="this is a fault of unibuild: please report it",
                detail=tuple(lines[-3:]),
            )
        yield from _contradictions(bill, form, json.loads(path.read_text("utf-8")))


def _contradictions(bill: Bill, form: str, document: dict[str, Any]) -> Iterator[UnibuildError]:
    said = _of_cyclonedx(document) if form == "cyclonedx" else _of_spdx(document)
    for part in bill.parts:
        expected = (
            part.hashes.sha256,
            part.hashes.sha512,
            sorted(part.ranges),
            part.license,
        )
        if said.pop(part.label, None) != expected:
            yield DifferenceError(_ID, f"the {form} document misstates {part.label}")
    if said:
        yield DifferenceError(_ID, f"the {form} document has a part that is not in the bill")


def _of_cyclonedx(document: dict[str, Any]) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for one in document["components"]:
        if one["bom-ref"].startswith("part:"):
            hashes = {entry["alg"]: entry["content"] for entry in one["hashes"]}
            places = one.get("evidence", {}).get("occurrences", ())
            ranges = sorted(
                (place["offset"], int(place["additionalContext"].split()[0])) for place in places
            )
            license_ = one.get("licenses", [{"expression": ""}])[0]["expression"]
            found[one["name"]] = (hashes["SHA-256"], hashes["SHA-512"], ranges, license_)
    return found


def _of_spdx(document: dict[str, Any]) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for one in document["packages"]:
        if one["SPDXID"].startswith("SPDXRef-part-"):
            hashes = {entry["algorithm"]: entry["checksumValue"] for entry in one["checksums"]}
            ranges = sorted(
                (int(place.split("+")[0]), int(place.split("+")[1]))
                for note in one["annotations"]
                if note["comment"].startswith("bytes of the image")
                for place in note["comment"].partition(": ")[2].split()
            )
            declared = one["licenseDeclared"]
            license_ = "" if declared == "NOASSERTION" else declared
            found[one["name"]] = (hashes["SHA256"], hashes["SHA512"], ranges, license_)
    return found


def _main(arguments: Sequence[str]) -> None:
    manifest, image, folder, *lock_files = map(Path, arguments)
    lock = locks.merge(locks.read(path) for path in lock_files)
    write(bills.compose(manifests.read(manifest), image.read_bytes(), lock), folder)


if __name__ == "__main__":
    _main(sys.argv[1:])
