"""The last results of steps that the team's cache knows: asked for through a courier of its own."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, NamedTuple

from unibuild.execution import descriptions
from unibuild.execution.exchange import Exchange
from unibuild.execution.last_build import history_key
from unibuild.execution.observer import Silent
from unibuild.store.digests import DigestFunction
from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.remote.requests import FindHistory, History

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.execution.descriptions import Description
    from unibuild.execution.plan import Plan, Record
    from unibuild.store.remote.requests import Reply
    from unibuild.store.remote.settings import Remote


class Step(NamedTuple):
    """An action of a plan, whose last result is wanted; ``action`` is the hash of its own."""

    plan: Plan
    record: Record
    action: str

    def question(self, token: int) -> FindHistory:
        """Return what the courier is asked; large directories are compared by digest alone."""
        paths = self.plan.paths
        trees = tuple(paths[a] for a in self.record.inputs if a in self.plan.trees)
        return FindHistory(token, history_key(self.plan, self.record), trees, self.action)


class Last(NamedTuple):
    """What the cache knows: the last action of a step, and who signed that ("" for nobody)."""

    description: Description
    signer: str


class _Listener(Silent):
    """Keeps what the courier has to say."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Keep it."""
        self.notes.append(text)


def ask(
    steps: Sequence[Step], remote: Remote, cache_root: str, digest_function: str
) -> tuple[list[Last | None], tuple[str, ...]]:
    """Return what the cache knows of each step, and what the courier had to say.

    Raises ``UnibuildError`` when the server cannot be used as configured.
    """
    function = DigestFunction(digest_function)
    listener = _Listener()
    found: list[Last | None] = [None] * len(steps)
    exchange = Exchange(remote, cache_root, digest_function, listener)
    try:
        for number, step in enumerate(steps):

            def answered(reply: Reply, number: int = number) -> None:
                found[number] = _last(reply, function)

            exchange.ask(step.question, answered)
        while exchange.waiting:
            exchange.flush()
            poller = select.poll()
            events = select.POLLIN | (select.POLLOUT if exchange.wants_write else 0)
            poller.register(exchange.descriptor, events)
            poller.poll()
            exchange.dispatch()
    finally:
        exchange.close()
    return found, tuple(listener.notes)


def _last(reply: Reply, function: DigestFunction) -> Last | None:
    if not isinstance(reply, History) or reply.action is None:
        return None
    messages = (reply.action, reply.command, reply.directories)
    try:
        return Last(descriptions.of_messages(*messages, function), reply.signer)
    except MalformedMessageError:
        return None
