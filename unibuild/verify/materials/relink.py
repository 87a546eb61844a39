"""The link of an image read once more: what packing makes of it now, compared with the files.

The linked file, the link map, the linker's reasons and the objects are taken from the cache under the
digests that the graph knows, so nothing is believed that the manifest alone says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.execution.plan import LITERAL
from unibuild.image import pack
from unibuild.model.errors import HostError
from unibuild.store.digests import Digest
from unibuild.verify import ordinary

if TYPE_CHECKING:
    from unibuild.execution.plan import Record
    from unibuild.verify.workbench import Workbench

_PACKING = "image-pack"


def packed(bench: Workbench, sandbox: str) -> dict[str, bytes]:
    """Return boot file, symbol file and manifest by their endings, packed from the link in the cache.

    Raises ``HostError`` ``link-missing`` when something of the link is not here.
    """
    return bench.once(__name__, lambda: _packed(bench, sandbox))


def _packed(bench: Workbench, sandbox: str) -> dict[str, bytes]:
    from unibuild.store.cache import Cache

    kept = ordinary.kept(bench)
    plan, values = kept.plan, kept.values
    record = _packing(bench)
    numbers = {plan.paths[artifact]: artifact for artifact in record.inputs}
    cache = Cache(str(bench.cache_root), bench.workspace.digest_function, bench.progress.note)

    def read(path: str) -> bytes:
        artifact = numbers[path]
        literal = plan.extra.get(artifact)
        if plan.kinds[artifact] == LITERAL and isinstance(literal, bytes):
            return literal
        value = values[artifact]
        content = cache.content.read(Digest(value[0], value[1])) if value is not None else None
        if content is None:
            raise HostError(
                "link-missing",
                f"what {bench.label} was packed from is not in the cache: {path}",
                hint=f"fetch it: unibuild build --download=all {bench.label}",
            )
        return content

    try:
        return pack.assemble(record.arguments[1:], read, sandbox)
    finally:
        cache.close()


def _packing(bench: Workbench) -> Record:
    plan = ordinary.kept(bench).plan
    for index in range(len(plan.outputs)):
        record = plan.record(index)
        if record.builtin == _PACKING and record.label == bench.label:
            return record
    raise HostError(
        "link-missing",
        f"the graph of {bench.label} has no packing of an image",
        hint="its rule makes images in a way that is not known here",
    )
