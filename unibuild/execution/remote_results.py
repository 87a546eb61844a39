"""Results of the remote cache: asked for on a local miss, judged, believed, and published.

A result is believed when it keeps the action's declaration (``results.values_of``); its values are
then all that the build needs to go on. The local action cache keeps it only when all its blobs are
here. What a run on this machine made is published in the background after it was reported done.

Results of actions without a sandbox are never published: their digests say so, but who could trust
what an action may have read of its host?
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from unibuild.execution import depfile
from unibuild.execution.last_build import history_key
from unibuild.execution.plan import PACKAGE
from unibuild.execution.results import values_of
from unibuild.store.action_cache import UNSIGNED
from unibuild.store.digests import Digest
from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.reapi import decode_action_result, encode_action_result
from unibuild.store.remote.requests import Blob, Fetch, Found, Lookup, Publish, PushAsset

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unibuild.execution.exchange import Exchange
    from unibuild.execution.keys import Prepared
    from unibuild.execution.placing import Placing
    from unibuild.execution.plan import Plan, Record
    from unibuild.execution.values import Value
    from unibuild.store.cache import Cache
    from unibuild.store.reapi import ActionResult
    from unibuild.store.remote.requests import Reply

_DEPFILE_LIMIT = 1 << 24  # bytes; one that says what thousands of headers were read is far smaller


class Hit:
    """A result found remotely: the values of the outputs, the result itself, when it was asked."""

    __slots__ = ("action", "began", "origin", "result", "values")

    def __init__(
        self, action: Digest, values: list[Value], result: ActionResult, began: float, origin: str
    ) -> None:
        """Keep what the scheduler needs; ``action`` is under which digest it was found.

        ``origin`` is as in the local action cache.
        """
        self.action = action
        self.origin = origin
        self.values = values
        self.result = result
        self.began = began


class RemoteResults:
    """Lookups and publications of one build."""

    def __init__(
        self,
        plan: Plan,
        values: Sequence[Value | None],
        cache: Cache,
        exchange: Exchange,
        hit: Callable[[Prepared, Hit], None],
        missed: Callable[[Prepared], None],
    ) -> None:
        """Ask through ``exchange``; each look-up ends with one call of ``hit`` or ``missed``."""
        self._plan = plan
        self._values = values
        self._cache = cache
        self._exchange = exchange
        self._hit = hit
        self._missed = missed
        self._not_there: set[str] = set()
        self._asked: dict[int, int] = {}
        self._shared: set[int] = set()

    def look_up(self, prepared: Prepared) -> None:
        """Ask for the result of an action, under its own digest and then under pruned ones."""
        self._ask(prepared, prepared.key.digest, self._try_pruned)

    def is_own(self, prepared: Prepared, placing: Placing) -> bool:
        """Tell whether only the action's own digest is asked for, and all its inputs are here."""
        if not placing.are_here(prepared.record.inputs):
            return False
        key = prepared.pruned_key
        known = depfile.entries(self._cache.inputs, key) if key else []
        return all(entry.depfile is None for entry in known)

    def drop(self, prepared: Prepared) -> None:
        """Wait no longer for the result of an action."""
        self._exchange.forget(self._asked.pop(prepared.number, 0))

    def remember(self, prepared: Prepared, hit: Hit) -> None:
        """Record all prunable inputs as read, until an edit makes it worth reading the depfile."""
        record = prepared.record
        if not prepared.pruned_key or hit.action != prepared.key.digest:
            return
        values = self._values
        used: depfile.Used = [
            (self._plan.paths[a], value)
            for a in record.prunable
            if (value := values[a]) is not None
        ]
        value = hit.values[record.outputs.index(record.depfile)]
        entry = depfile.Entry(hit.action, used, Digest(value[0], value[1]))
        depfile.remember(self._cache.inputs, prepared.pruned_key, entry)

    def publishes(self, prepared: Prepared) -> bool:
        """Tell whether the result of a run of this action goes to the team's cache."""
        return self._exchange.remote.upload and (
            prepared.sandboxed or bool(prepared.record.builtin)
        )

    def publish(self, prepared: Prepared, result: ActionResult, *, ran: bool, own: bool) -> None:
        """Have a result that is stored here uploaded; ``publishes`` says whether it may be.

        ``ran``: the action has just run, so this is the last of its step. ``own``: it ran on this
        machine, now or before; only then is the result signed by us.
        """
        key, encoded = prepared.key, encode_action_result(result)
        history = history_key(self._plan, prepared.record) if ran else ""
        directories = key.directories if ran else ()
        self._exchange.tell(Publish(key.action, key.command, encoded, history, directories, own))
        self._share_packages(prepared.record)

    def _share_packages(self, record: Record) -> None:
        """Keep the packages that a published action reads for the team: their registry may vanish."""
        for a in record.inputs:
            value = self._values[a]
            if self._plan.kinds[a] != PACKAGE or value is None or a in self._shared:
                continue
            self._shared.add(a)
            digest = Digest(value[0], value[1])
            if self._cache.content.contains(digest):
                self._exchange.tell(PushAsset(str(self._plan.extra[a]), digest))

    def judge(self, prepared: Prepared, encoded: bytes) -> tuple[list[Value], ActionResult] | None:
        """Return the values and the result when it keeps the action's declaration."""
        try:
            result = decode_action_result(encoded)
        except MalformedMessageError:
            return None
        values = values_of(self._plan, prepared.record, result)
        return None if values is None else (values, result)

    def _ask(
        self, prepared: Prepared, action: Digest, otherwise: Callable[[Prepared], None]
    ) -> None:
        if action.hash in self._not_there:
            otherwise(prepared)
            return
        began = time.monotonic()

        def answered(reply: Reply) -> None:
            self._asked.pop(prepared.number, None)
            judged = None
            if isinstance(reply, Found) and reply.result is not None:
                judged = self.judge(prepared, reply.result)
            if judged is None:
                self._not_there.add(action.hash)
                otherwise(prepared)
            else:
                signer = reply.signer if isinstance(reply, Found) else ""
                self._hit(prepared, Hit(action, *judged, began, signer or UNSIGNED))

        self._asked[prepared.number] = self._exchange.ask(
            lambda token: Lookup(token, action), answered
        )

    def _try_pruned(self, prepared: Prepared) -> None:
        """Look for a run that read the same of its prunable inputs, though others differ."""
        if not prepared.pruned_key:
            self._missed(prepared)
            return
        known = depfile.entries(self._cache.inputs, prepared.pruned_key)
        other = depfile.find(known, self._plan, self._values, prepared.record)
        if other is not None and other != prepared.key.digest:
            self._ask(prepared, other, self._missed)
            return
        for entry in known:
            if entry.depfile is not None and entry.depfile.size <= _DEPFILE_LIMIT:
                self._narrow(prepared, entry, entry.depfile)
                return
        self._missed(prepared)

    def _narrow(self, prepared: Prepared, entry: depfile.Entry, wanted: Digest) -> None:
        """Read the depfile of a recorded set, fetched if need be, and try again."""

        def arrived(_reply: Reply | None) -> None:
            data = self._cache.content.read(wanted)
            records, key = self._cache.inputs, prepared.pruned_key
            depfile.narrow(records, key, entry, data, self._plan, prepared.record)
            self._try_pruned(prepared)

        if self._cache.content.contains(wanted):
            arrived(None)
        else:
            self._exchange.ask(lambda token: Fetch(token, (Blob(wanted),)), arrived)


def exit_of(encoded: bytes) -> tuple[int, bytes]:
    """Return the exit status that a result names and what the command printed."""
    try:
        result = decode_action_result(encoded)
    except MalformedMessageError:
        return 0, b""
    return result.exit_code, result.stdout
