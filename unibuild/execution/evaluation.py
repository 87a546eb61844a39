"""Evaluation: from the values of an action's inputs to its key, and to its result in the local cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from unibuild.execution import depfile
from unibuild.execution.keys import ActionKeys, Prepared
from unibuild.execution.results import values_of
from unibuild.store.action_cache import MADE_BY_ENGINE, MADE_HERE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from unibuild.execution.placing import Placing
    from unibuild.execution.plan import Plan, Record
    from unibuild.execution.sandbox import Sandbox
    from unibuild.execution.values import KnownInputs, Value
    from unibuild.store.cache import Cache
    from unibuild.store.digests import Digest
    from unibuild.store.reapi import ActionResult

_HOST = "@host/"


class Cached(NamedTuple):
    """A result of the local cache whose blobs are all there.

    ``pruned``: it is that of another action, which read what this one would read. ``own``: it was
    made on this machine.
    """

    values: list[Value]
    result: ActionResult
    own: bool
    pruned: bool


class Evaluator:
    """Evaluates the actions of one plan."""

    def __init__(
        self,
        plan: Plan,
        values: Sequence[Value | None],
        inputs: KnownInputs,
        placing: Placing,
        cache: Cache,
        sandbox: Sandbox,
        host: Mapping[str, str],
        *,
        whole: bool,
        demanded: Collection[str] = (),
    ) -> None:
        """Look results up in ``cache``; ``host`` is that of the request.

        ``whole``: keys have all their messages, to be uploaded. ``demanded`` are the public keys of
        which one must have signed what others made; none: it need not be signed.
        """
        self._plan = plan
        self._values = values
        self._inputs = inputs
        self._placing = placing
        self._cache = cache
        self._sandbox = sandbox
        self._host = host
        self._whole = whole
        self._trusted = {*demanded, MADE_HERE, MADE_BY_ENGINE} if demanded else None
        self._keys = ActionKeys(plan, values, cache.function)

    def prepare(self, index: int) -> Prepared:
        """Return an action with its key; the values of what other actions make must be known."""
        sandboxed = self._sandbox.active
        record = with_host(self._plan.record(index), self._host, sandboxed=sandboxed)
        self._inputs.learn(record)
        key = self._keys.action(record, sandboxed=sandboxed, whole=self._whole)
        pruned_key = ""
        if record.depfile >= 0:
            pruned_key = self._keys.without_prunable(record, sandboxed=sandboxed)
        return Prepared(index, record, key, pruned_key, sandboxed)

    def cached(self, prepared: Prepared) -> Cached | None:
        """Return what the local cache has, placed where it is wanted, or nothing."""
        found = self._cached(prepared, prepared.key.digest, pruned=False)
        if found is not None or not prepared.pruned_key:
            return found
        other = self._read_the_same(prepared)
        return None if other is None else self._cached(prepared, other, pruned=True)

    def _cached(self, prepared: Prepared, action: Digest, *, pruned: bool) -> Cached | None:
        stored = self._cache.actions.get(action.hash)
        if stored is None or (self._trusted is not None and stored.origin not in self._trusted):
            return None
        values = self._usable(prepared.record, stored.result)
        own = stored.origin == MADE_HERE
        return None if values is None else Cached(values, stored.result, own, pruned)

    def _usable(self, record: Record, result: ActionResult) -> list[Value] | None:
        """Return the values of a cached result whose blobs are all there, placed where wanted."""
        values = values_of(self._plan, record, result)
        return values if values is not None and self._placing.usable(record, values) else None

    def _read_the_same(self, prepared: Prepared) -> Digest | None:
        """Return an earlier run of the action that read what is there now, or nothing."""
        records, key, record = self._cache.inputs, prepared.pruned_key, prepared.record
        known = depfile.entries(records, key)
        found = depfile.find(known, self._plan, self._values, record)
        if found is not None or all(entry.depfile is None for entry in known):
            return found
        for entry in known:
            if entry.depfile is not None and self._cache.content.contains(entry.depfile):
                data = self._cache.content.read(entry.depfile)
                depfile.narrow(records, key, entry, data, self._plan, record)
        return depfile.find(depfile.entries(records, key), self._plan, self._values, record)


def with_host(record: Record, host: Mapping[str, str], *, sandboxed: bool) -> Record:
    """Return the action with what it may know of the host filled in: ``@host/NAME`` values."""
    if not any(value.startswith(_HOST) for _, value in record.environment):
        return record
    known = {**host, "sandbox": "bubblewrap" if sandboxed else "none"}
    environment = tuple(
        (name, known.get(value[len(_HOST) :], "") if value.startswith(_HOST) else value)
        for name, value in record.environment
    )
    return record._replace(environment=environment)
