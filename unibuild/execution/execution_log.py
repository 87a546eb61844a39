"""The execution log: one JSON line for each action of a build, with digests of what it read and made.

``unibuild build --execution-log FILE`` writes it; ``verify`` compares two of them. A line is written
and flushed as soon as its action is done, so that a reader can follow a build that goes on, and the
last line may be cut short if the build was killed: ``read`` leaves such a line out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoggedOutput:
    """One output: its path without prefix, and its digest and size in bytes.

    For a directory (``tree``) these are of its Tree message.
    """

    path: str
    digest: str
    size: int
    executable: bool = False
    tree: bool = False


@dataclass(frozen=True, slots=True)
class LoggedAction:
    """One action; ``index`` is its place in the graph, producers first.

    ``action`` is the digest of the REAPI Action, ``command`` that of its Command, ``inputs`` of its
    input root; ``input_count`` counts the artefacts it declares. ``executed`` is false for a result
    from a cache. ``failed``: it made no outputs, which then is empty. ``seconds`` is how long it ran.
    """

    index: int
    label: str
    mnemonic: str
    action: str
    command: str
    inputs: str
    input_count: int
    outputs: tuple[LoggedOutput, ...]
    executed: bool
    builtin: bool
    failed: bool = False
    seconds: float = 0.0
