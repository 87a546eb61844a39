"""What a person reads when the link left symbols undefined.

System calls are symbols (``ub_sys_NAME``), so a program that needs a call which no component of the
image provides shows up here, by name, with the function that wants it and the target that would
provide it, and not as a crash at run time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.elf.attribution import owner_of
from unibuild.elf.link_map import split_object
from unibuild.model.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unibuild.elf.link_map import Extraction
    from unibuild.elf.references import Reference

ENTRY_POINT_PREFIX = "ub_sys_"
_MOST_REFERENCES = 3


def undefined_symbols_error(
    image: str,
    references: Sequence[Reference],
    extractions: Sequence[Extraction],
    owners: Mapping[str, str],
    providers: Mapping[str, str],
) -> ActionError:
    """Compose the one error for all undefined symbols of the image with label ``image``.

    ``providers`` maps an entry point to the label of a component that would provide it.
    """
    symbols = sorted({reference.symbol for reference in references})
    entry_points = [name for name in symbols if name.startswith(ENTRY_POINT_PREFIX)]
    detail = []
    for symbol in symbols:
        detail.append(_title(symbol))
        wanted = [reference for reference in references if reference.symbol == symbol]
        for reference in wanted[:_MOST_REFERENCES]:
            detail.append(f"    wanted by {_place(reference, owners)}")
            detail.extend(f"    {line}" for line in _chain(reference.object, extractions, owners))
        if len(wanted) > _MOST_REFERENCES:
            detail.append(f"    and {len(wanted) - _MOST_REFERENCES} more")
    if len(entry_points) == len(symbols):
        count = "a system call" if len(symbols) == 1 else f"{len(symbols)} system calls"
        return ActionError(
            "missing-entry-points",
            f"{image} needs {count} that none of its components provides",
            hint=_component_hint(image, entry_points, providers),
            detail=tuple(detail),
        )
    count = "a symbol" if len(symbols) == 1 else f"{len(symbols)} symbols"
    return ActionError(
        "undefined-symbols",
        f"{image} needs {count} that nothing in it defines",
        hint="add the target that defines them to 'deps' of the target that wants them",
        detail=tuple(detail),
    )


def _title(symbol: str) -> str:
    if symbol.startswith(ENTRY_POINT_PREFIX):
        return f"{symbol} (system call {symbol.removeprefix(ENTRY_POINT_PREFIX)})"
    return symbol


def _place(reference: Reference, owners: Mapping[str, str]) -> str:
    where = _object(reference.object, owners)
    return f"`{reference.function}` in {where}" if reference.function else f"data in {where}"


def _object(name: str, owners: Mapping[str, str]) -> str:
    path, member = split_object(name)
    short = member or path.rsplit("/", 1)[-1]
    owner = owner_of(name, owners)
    return f"{short} of {owner}" if owner else short


def _chain(name: str, extractions: Sequence[Extraction], owners: Mapping[str, str]) -> list[str]:
    pulled = {extraction.object: extraction for extraction in extractions}
    lines: list[str] = []
    while (step := pulled.get(name)) is not None and len(lines) < len(pulled):
        lines.append(f"which {_object(step.reference, owners)} needs for `{step.symbol}`")
        name = step.reference
    return lines


def _component_hint(image: str, symbols: Sequence[str], providers: Mapping[str, str]) -> str:
    known = sorted({providers[symbol] for symbol in symbols if symbol in providers})
    unknown = [symbol for symbol in symbols if symbol not in providers]
    hints = []
    if known:
        listed = ", ".join(f'"{label}"' for label in known)
        hints.append(f"add to {image}: components = [{listed}]")
    if unknown:
        names = ", ".join(name.removeprefix(ENTRY_POINT_PREFIX) for name in unknown)
        hints.append(
            f"no component offers {names}: do without the function that wants it, or add a "
            "kernel_library that defines it to 'components'"
        )
    return "; ".join(hints)
