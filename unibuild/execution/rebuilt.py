"""Why actions ran: each against the last that was known of its step, here or in the team's cache.

``last_build`` keeps what this compares. Whatever is missing there or does not fit together makes an
action one that is new here. Nothing is built, and nothing is changed.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from unibuild.execution import depfile, descriptions
from unibuild.execution.keep import plan_of
from unibuild.execution.kept_graph import STATE_DIRECTORY, load, load_any
from unibuild.execution.last_build import path_of
from unibuild.execution.plan import Plan, shown_path
from unibuild.store.cache import Cache
from unibuild.store.digests import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unibuild.execution.descriptions import Difference
    from unibuild.execution.plan import Record
    from unibuild.execution.values import Value
    from unibuild.store.cas import LocalStore
    from unibuild.store.remote.settings import Remote

CHANGED, NEW, UNMADE, GONE, UNCACHED, ASKED = (
    "changed", "new", "unmade", "gone", "uncached", "asked",
)  # fmt: skip

SENTENCES = {
    CHANGED: "what it is made of changed",
    NEW: "it was never built before",
    UNMADE: "it was not made the last time",
    GONE: "its stored result or an output of it was gone",
    UNCACHED: "the same was built before, but the remote cache did not have its result any more",
    ASKED: "it was asked for by --only-action",
}


class Ran(NamedTuple):
    """One action that ran, and why; ``output`` is its first one, as a user finds it.

    ``against`` says whose last result it is compared with: "here", "remote" (signed by ``signer``),
    or "" when none is known.
    """

    label: str
    mnemonic: str
    output: str
    why: str
    against: str = ""
    signer: str = ""
    differences: tuple[Difference, ...] = ()


class Rebuilt(NamedTuple):
    """What ran in the last build that concerned a label; ``when`` in seconds since 1970.

    ``ran`` counts all that ran in that build, ``actions`` are those that the label needs.
    """

    when: float
    ran: int
    actions: tuple[Ran, ...]
    notes: tuple[str, ...] = ()


def explain(
    workspace_root: str,
    label: str,
    cache_root: str,
    digest_function: str,
    remote: Remote | None = None,
) -> Rebuilt | None:
    """Return why actions that ``label`` needs ran in the last build that concerned it.

    ``remote`` is asked about actions of which nothing is known here. Nothing is returned when no
    build of this workspace that is still remembered concerned the label.
    """
    for build in _builds(workspace_root):
        asked = [Ran(*names, ASKED) for names in build.asked if names[0] == label]
        if asked:
            return Rebuilt(build.when, len(build.asked), tuple(asked))
        needed = [] if build.asked else build.needed_by(label)
        if needed:
            return _explained(build, needed, cache_root, digest_function, remote)
    return None


class _Known:
    """A plan with the values that its artefacts had after a build, and what was not made."""

    def __init__(self, plan: Plan, values: Sequence[Value | None], pending: frozenset[int]) -> None:
        self.plan = plan
        self.values = values
        self.pending = pending
        self._makers: dict[str, int] = {}

    def find(self, output: str) -> int | None:
        """Return the action whose first output is what others read at ``output``."""
        if not self._makers:
            paths = self.plan.paths
            self._makers = {
                paths[made[0]]: index for index, made in enumerate(self.plan.outputs) if made
            }
        return self._makers.get(output)


def _no_record(index: int) -> Record:
    raise LookupError(index)


_NOTHING = _Known(
    Plan([], [], frozenset(), frozenset(), {}, [], [], [], _no_record), (), frozenset()
)


class _Build(NamedTuple):
    """The last build of one request."""

    root: str
    key: str
    when: float
    ran: frozenset[str]
    asked: Sequence[tuple[str, str, str]]
    known: _Known

    def needed_by(self, label: str) -> list[int]:
        """Return the actions of a label and all below them, in the order of the plan."""
        plan = self.known.plan
        wanted = {a for t in plan.targets if t.label == label for a in (*t.outputs, *t.tests)}
        needed: set[int] = set()
        for index in reversed(range(len(plan.outputs))):
            made = plan.outputs[index]
            record = plan.record(index)
            if record.label == label or not wanted.isdisjoint(made):
                needed.add(index)
                wanted.update(record.inputs)
        return sorted(needed)


def _builds(workspace_root: str) -> Iterator[_Build]:
    """Yield the last builds of all requests, the latest first."""
    directory = f"{workspace_root}/{STATE_DIRECTORY}"
    found = []
    try:
        names = [name for name in os.listdir(directory) if name.startswith("ran-")]
    except FileNotFoundError:
        return
    for name in names:
        ran = load_any(f"{directory}/{name}")
        if ran is not None:
            found.append((ran[1][0], ran[0], ran[1]))
    for when, key, (_, ran, asked) in sorted(found, reverse=True):
        known = _known(workspace_root, key, "graph", "state")
        if known is not None or asked:
            yield _Build(workspace_root, key, when, frozenset(ran), asked, known or _NOTHING)


def _known(root: str, key: str, graph_kind: str, state_kind: str) -> _Known | None:
    graph = load(path_of(root, key, graph_kind), key)
    state = load(path_of(root, key, state_kind), key)
    if graph is None or state is None or state[1] != graph[9]:
        return None
    return _Known(plan_of(graph), state[0], frozenset(state[5]))


def _explained(
    build: _Build,
    needed: Sequence[int],
    cache_root: str,
    digest_function: str,
    remote: Remote | None,
) -> Rebuilt:
    plan = build.known.plan
    ran = [i for i in needed if plan.outputs[i] and plan.paths[plan.outputs[i][0]] in build.ran]
    cache = Cache(cache_root, digest_function, lambda _: None)
    with contextlib.closing(cache):
        earlier = _Earlier(build, cache.content)
        reasons = {index: _reason(build, earlier, index) for index in ran}
    notes: tuple[str, ...] = ()
    unknown = [index for index in ran if reasons[index].why == NEW]
    if unknown and remote is not None and remote.cache is not None:
        from unibuild.execution import team_history
        from unibuild.execution.keys import ActionKeys
        from unibuild.store.digests import DigestFunction

        keys = ActionKeys(plan, build.known.values, DigestFunction(digest_function))
        records = [plan.record(index) for index in unknown]
        steps = [
            team_history.Step(plan, record, keys.action(record, sandboxed=True).digest.hash)
            for record in records
        ]
        answers, notes = team_history.ask(steps, remote, cache_root, digest_function)
        for index, old in zip(unknown, answers, strict=True):
            if old is not None:
                new = descriptions.of_record(plan, build.known.values, plan.record(index))
                differing = descriptions.differences(old.description, new)
                reasons[index] = reasons[index]._replace(
                    why=CHANGED if differing else UNCACHED,
                    against="remote",
                    signer=old.signer,
                    differences=differing,
                )
    return Rebuilt(build.when, len(build.ran), tuple(reasons.values()), notes)


class _Earlier:
    """What was known of steps before a build: of its own request, then of others."""

    def __init__(self, build: _Build, content: LocalStore) -> None:
        self._build = build
        self._content = content
        own = [_known(*build[:2], kind, "before") for kind in ("graph", "beforegraph")]
        self._own = own[0] or own[1]
        self._others: list[_Known] | None = None

    def find(self, output: str, label: str) -> tuple[_Known, int] | None:
        """Return the action that made an output before, and the plan that it was in."""
        for known in self._sources():
            index = known.find(output)
            if index is not None and known.plan.record(index).label == label:
                return known, index
        return None

    def unread(self, known: _Known, index: int) -> frozenset[str]:
        """Return the inputs that an action did not read although it might: no reason to run again."""
        record = known.plan.record(index)
        value = known.values[record.depfile] if record.depfile >= 0 else None
        data = None if value is None else self._content.read(Digest(value[0], value[1]))
        if data is None:
            return frozenset()
        text = data.decode(errors="surrogateescape")
        read = depfile.used_inputs(record, known.plan, text, "")
        return frozenset(known.plan.paths[a] for a in set(record.prunable).difference(read))

    def _sources(self) -> Iterator[_Known]:
        if self._own is not None:
            yield self._own
        if self._others is None:
            self._others = [
                other.known
                for other in _builds(self._build.root)
                if other.key != self._build.key and other.when < self._build.when
            ]
        yield from self._others


def _reason(build: _Build, earlier: _Earlier, index: int) -> Ran:
    plan = build.known.plan
    record = plan.record(index)
    first = record.outputs[0]
    ran = Ran(record.label, record.mnemonic, shown_path(plan, first), NEW)
    found = earlier.find(plan.paths[first], record.label)
    if found is None:
        return ran
    before, number = found
    old = descriptions.of_record(before.plan, before.values, before.plan.record(number))
    new = descriptions.of_record(plan, build.known.values, record)
    if any(not read.hash for read in old.inputs.values()):  # what it reads was not made either
        return ran._replace(why=UNMADE, against="here")
    differing = descriptions.differences(old, new)
    unread = earlier.unread(before, number).intersection(new.inputs)
    told = tuple(each for each in differing if each.field.partition(" ")[2] not in unread)
    differing = told or differing
    why = CHANGED if differing else GONE
    if number in before.pending:
        why = UNMADE
    return ran._replace(why=why, against="here", differences=differing)
