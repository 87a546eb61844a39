"""Which components could have taken code of a package, from the action graph: whoever had its files at hand.

A sandboxed compiler sees its action's inputs and nothing else. So an object can hold code of a package (a
function of a header, a macro, a source that is included) only when the package's files, or what was made
of them, are among the inputs of the action that made the object. The search ends where objects and
archives are linked into an image, since the link map says which of those are in it; a program for another
system that was linked of them may be a file of the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.execution.plan import PACKAGE
from unibuild.external.purl import split_file

if TYPE_CHECKING:
    from unibuild.execution.plan import Plan

_LINKED = (".o", ".a")
_LINK, _PACKING = "ImageLink", "image-pack"


def readers(plan: Plan) -> dict[str, frozenset[str]]:
    """Return the labels of the targets whose actions could read each package, by its URL without a file."""
    found: dict[str, set[str]] = {}
    for artifact, kind in enumerate(plan.kinds):
        if kind == PACKAGE:
            purl = split_file(str(plan.extra[artifact]))[0]
            found.setdefault(purl, set()).update(_from(plan, artifact))
    return {purl: frozenset(labels) for purl, labels in found.items()}


def _from(plan: Plan, artifact: int) -> set[str]:
    labels: set[str] = set()
    waiting, seen = [artifact], {artifact}
    while waiting:
        read = waiting.pop()
        for index in plan.consumers[read]:
            record = plan.record(index)
            ends = record.mnemonic == _LINK or record.builtin == _PACKING
            if ends and plan.paths[read].endswith(_LINKED):
                continue
            labels.add(record.label)
            fresh = [made for made in record.outputs if made not in seen]
            seen.update(fresh)
            waiting.extend(fresh)
    return labels
