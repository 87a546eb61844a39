"""Rules on secrets that are drawn at boot, and on what the image draws them with.

Whether two boots really differ is for boot tests (``tests/probes``); here is read that the parts are
linked that make them differ, and that nothing which has to differ is already in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.verify.hardening.rule import failed, not_applicable, passed, rule

if TYPE_CHECKING:
    from unibuild.verify.hardening.evidence import Evidence
    from unibuild.verify.hardening.rule import Finding

_GENERATOR = ("ub_random_initialize", "ub_random_bytes", "ub_chacha20_block")
_SOURCES = {
    "ub_processor_entropy": "RDSEED and RDRAND of the processor",
    "ub_virtio_rng_read": "virtio-rng of the monitor",
}
_TCP, _INITIAL_SEQUENCE_NUMBER = "tcp_alloc", "ub_lwip_initial_sequence_number"
_FREE = ("free", "__libc_free")
_HARDENED_ALLOCATOR = ("__malloc_alloc_meta", "__malloc_context")
_CANARY = "__stack_chk_guard"
_DRAWN_AT_BOOT = (_CANARY,)


@rule("C9", "heap with checked metadata", "hardened")
def heap(evidence: Evidence) -> Finding:
    """Programs that free memory have an allocator whose metadata lies apart and is checked.

    It is the C library's mallocng: slots have no headers that a neighbour overruns, its records lie
    on pages of their own behind a secret drawn at boot, and a wrong ``free`` aborts.
    """
    if not any(map(evidence.has, _FREE)):
        return not_applicable("the program frees no memory")
    missing = [name for name in _HARDENED_ALLOCATOR if not evidence.has(name)]
    if missing:
        return failed(
            "the image's allocator is none that is known to check its metadata",
            *(f"no symbol {name}" for name in missing),
        )
    return passed("the allocator is musl's mallocng", *_HARDENED_ALLOCATOR)


@rule("C14", "a source of entropy", "base")
def entropy(evidence: Evidence) -> Finding:
    """At least one driver for a source of entropy is in the image."""
    found = [f"{words} ({name})" for name, words in _SOURCES.items() if evidence.has(name)]
    if not found:
        return failed("no source of entropy is linked", *(f"no {name}" for name in _SOURCES))
    return passed("the image refuses to start without one of its sources of entropy", *found)


@rule("C15", "a cryptographic generator of random numbers", "base")
def generator(evidence: Evidence) -> Finding:
    """The generator is ChaCha20 with fast key erasure, and it is seeded at boot."""
    missing = [name for name in _GENERATOR if not evidence.has(name)]
    if missing:
        return failed("the generator is not in the image", *(f"no symbol {one}" for one in missing))
    return passed("ChaCha20 with fast key erasure, seeded at boot", *_GENERATOR)


@rule("C16", "unpredictable TCP sequence numbers", "base")
def sequence_numbers(evidence: Evidence) -> Finding:
    """Where TCP is linked, its initial sequence numbers are those of RFC 6528."""
    if not evidence.has(_TCP):
        return not_applicable("the program uses no TCP")
    if not evidence.has(_INITIAL_SEQUENCE_NUMBER):
        return failed("TCP has its default sequence numbers", f"no {_INITIAL_SEQUENCE_NUMBER}")
    return passed("keyed by RFC 6528", _INITIAL_SEQUENCE_NUMBER)


@rule("C30", "no secret is fixed at build time", "base")
def drawn_at_boot(evidence: Evidence) -> Finding:
    """What has to differ between two boots of one image is empty in the file."""
    seen = []
    for name in _DRAWN_AT_BOOT:
        symbol = evidence.linked.symbols.get(name)
        if symbol is None:
            return failed(f"the image has no `{name}`")
        for words, file in (("linked", evidence.linked), ("boot", evidence.boot)):
            content = file.content(symbol.address, symbol.size)
            if content is None or any(content):
                return failed(f"`{name}` has a value in the {words} file", f"{symbol.address:#x}")
        seen.append(f"{name}: {symbol.size} zero bytes")
    return passed("secrets are empty until the boot draws them", *seen)
