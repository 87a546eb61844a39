"""Which outputs have to be here: placed for the user, kept in the store, or left where they are.

``all`` brings every output here, ``toplevel`` those of requested targets, ``minimal`` none; the last
leaves ``unibuild-out/`` alone. What a result names and the store lacks is fetched in the background
while the build goes on with the values, which are all that later actions need. A blob that turns out
to be gone is ordinary: its producer runs again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from unibuild.execution.plan import GENERATED, LITERAL, PACKAGE
from unibuild.store.digests import Digest
from unibuild.store.remote.requests import Blob, Fetch, FetchAsset, Fetched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from unibuild.execution.exchange import Exchange
    from unibuild.execution.outputs import Placer
    from unibuild.execution.plan import Plan, Record
    from unibuild.execution.values import KnownInputs, Value
    from unibuild.store.cache import Cache
    from unibuild.store.remote.requests import Reply
    from unibuild.store.remote.settings import Download


class _Arrived(Protocol):
    def __call__(self, artifact: int, *, here: bool) -> None: ...


class Placing:
    """Outputs and inputs of one build, where they are and where they have to be."""

    def __init__(
        self,
        plan: Plan,
        values: list[Value | None],
        cache: Cache,
        placer: Placer,
        inputs: KnownInputs,
        exchange: Exchange | None,
        download: Download,
    ) -> None:
        """Place with ``placer``; ``values`` are the present ones of the build."""
        self._plan = plan
        self._values = values
        self._cache = cache
        self._placer = placer
        self._inputs = inputs
        self._exchange = exchange
        self._everything = download == "all"
        self._wanted = frozenset(() if download == "minimal" else plan.wanted())
        self._tried: set[tuple[int, Value]] = set()
        self._in_flight: dict[tuple[int, Value], list[_Arrived]] = {}
        self._elsewhere: set[int] = set()
        self.on_the_way: dict[int, Value] = {}
        """Outputs of finished actions that are wanted and not here yet."""

    def place(self, artifact: int, value: Value) -> bool:
        """Put an artefact in place if it is wanted there; false when its bytes are not stored."""
        self.on_the_way.pop(artifact, None)
        self._elsewhere.discard(artifact)
        return artifact not in self._wanted or self._placer.place(artifact, value)

    def is_stored(self, artifact: int, value: Value) -> bool:
        """Tell whether the local cache has the artefact, without reading it."""
        stored = self._cache.trees if artifact in self._plan.trees else self._cache.content
        return stored.contains(Digest(value[0], value[1]))

    def is_elsewhere(self, artifacts: Sequence[int]) -> bool:
        """Tell whether one of the artefacts was found remotely in this build and not brought here."""
        return not self._elsewhere.isdisjoint(artifacts)

    def finish_targets(self) -> None:
        """Learn the values of requested artefacts that no action makes; place literal ones."""
        for target in self._plan.targets:
            for a in (*target.outputs, *target.tests):
                kind = self._plan.kinds[a]
                if kind == GENERATED or self._values[a] is not None:
                    continue
                value = self._values[a] = self._inputs.value(a)
                if kind == LITERAL:
                    extra = self._plan.extra[a]
                    self._cache.content.put_bytes(extra if isinstance(extra, bytes) else b"")
                    self.place(a, value)

    def are_here(self, artifacts: Iterable[int]) -> bool:
        """Tell whether an action that reads these could run without anything being fetched."""
        return all(
            self._plan.kinds[a] not in (GENERATED, PACKAGE)
            or ((value := self._values[a]) is not None and self.is_stored(a, value))
            for a in artifacts
        )

    def usable(self, record: Record, values: Sequence[Value]) -> bool:
        """Tell whether all outputs of a result are stored, and place those that are wanted."""
        return all(self._is_here(a, value) for a, value in zip(record.outputs, values, strict=True))

    def _is_here(self, artifact: int, value: Value) -> bool:
        if artifact in self._wanted:
            return self._placer.place(artifact, value)
        return self.is_stored(artifact, value)

    def bring_outputs(
        self,
        record: Record,
        values: Sequence[Value],
        stored: Callable[[], None],
        lost: Callable[[int], None],
    ) -> None:
        """Fetch and place what the download mode asks for of a result that was found remotely.

        ``stored`` is called, at once or later, when all outputs are in the local cache; ``lost``
        for each output that could not be had.
        """
        pairs = list(zip(record.outputs, values, strict=True))
        absent = [(a, value) for a, value in pairs if not self._is_here(a, value)]
        if not absent:
            stored()
            return
        fetched = [pair for pair in absent if self._everything or pair[0] in self._wanted]
        self._elsewhere.update(a for a, _ in absent)
        if not fetched or self._exchange is None:
            return
        self.on_the_way.update(fetched)

        def arrived(reply: Reply) -> None:
            whole = len(fetched) == len(absent)
            for a, value in fetched:
                if self.on_the_way.get(a) != value:
                    whole = False  # made again meanwhile
                elif not (self._has_arrived(value, reply) and self.place(a, value)):
                    whole = False
                    self.on_the_way.pop(a, None)
                    lost(a)
            if whole:
                stored()

        self._exchange.ask(lambda token: Fetch(token, tuple(_blobs(fetched))), arrived)

    def bring_inputs(
        self, artifacts: Iterable[int], needed: int, then: Callable[[list[int]], None]
    ) -> None:
        """Bring ``needed``, and whatever else of ``artifacts`` is not stored, here.

        ``then`` is called, at once or later, with those that cannot be had but from their actions.
        """
        lost: list[int] = []
        absent: list[tuple[int, Value]] = []
        for a in artifacts:
            value = self._values[a]
            brought = self._plan.kinds[a] in (GENERATED, PACKAGE)
            if value is None or (a != needed and not (brought and not self.is_stored(a, value))):
                continue
            if self._exchange is not None and brought and (a, value) not in self._tried:
                absent.append((a, value))
            else:
                self._without_remote(a, lost)
        waiting = len(absent)
        if not waiting:
            then(lost)
            return

        def arrived(artifact: int, *, here: bool) -> None:
            nonlocal waiting
            if not here:
                self._without_remote(artifact, lost)
            waiting -= 1
            if not waiting:
                then(lost)

        self._ask_for([pair for pair in absent if pair not in self._in_flight])
        for pair in absent:
            self._in_flight[pair].append(arrived)

    def _ask_for(self, absent: list[tuple[int, Value]]) -> None:
        """Ask for inputs that nobody has asked for yet, packages by their URL."""
        if self._exchange is None or not absent:
            return
        for pair in absent:
            self._in_flight[pair] = []
        made = [pair for pair in absent if self._plan.kinds[pair[0]] != PACKAGE]
        if made:
            self._exchange.ask(
                lambda token: Fetch(token, tuple(_blobs(made))), partial(self._answer, made)
            )
        for pair in absent:
            if self._plan.kinds[pair[0]] == PACKAGE:
                purl, digest = str(self._plan.extra[pair[0]]), Digest(pair[1][0], pair[1][1])
                self._exchange.ask(
                    partial(FetchAsset, purl=purl, digest=digest), partial(self._answer, [pair])
                )

    def _answer(self, asked: list[tuple[int, Value]], reply: Reply) -> None:
        for pair in asked:
            here = self._has_arrived(pair[1], reply)
            if here:
                self._elsewhere.discard(pair[0])
            self._tried.add(pair)
            for arrived in self._in_flight.pop(pair):
                arrived(pair[0], here=here)

    def _without_remote(self, artifact: int, lost: list[int]) -> None:
        if self._plan.kinds[artifact] != PACKAGE:
            lost.append(artifact)
        elif artifact not in self._inputs.packages:
            self._inputs.fetch(artifact)

    def _has_arrived(self, value: Value, reply: Reply) -> bool:
        digest = Digest(value[0], value[1])
        if not isinstance(reply, Fetched) or digest in reply.missing:
            return False
        if len(value) != 4:  # noqa: PLR2004 - a directory
            self._cache.content.trust(digest, executable=value[2])
        return True


def _blobs(wanted: Iterable[tuple[int, Value]]) -> Iterable[Blob]:
    for _, value in wanted:
        digest = Digest(value[0], value[1])
        if len(value) == 4:  # noqa: PLR2004 - a directory, whose root is part of what reads it
            yield Blob(digest, tree=True, root=Digest(value[2], value[3]))
        else:
            yield Blob(digest, value[2])
