"""A workspace whose action graph is written by hand: no BUILD.toml, no rules, only actions."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from unibuild.execution import kept_graph
from unibuild.execution.observer import ActionEvent, ActionOutcome
from unibuild.execution.request import BuildReport, BuildRequest, BuiltinCall, Kind, SandboxMode
from unibuild.execution.session import build
from unibuild.execution.values import RACY_NS
from unibuild.model.actions import DEFAULT_ENVIRONMENT, Action, ActionGraph, TargetResult
from unibuild.model.artifacts import Artifact, Origin
from unibuild.model.errors import ActionError
from unibuild.store.remote.requests import Statistics

SHELL = "external/busybox/busybox"


def source(path: str) -> Artifact:
    return Artifact(Origin.SOURCE, path)


def made(path: str, *, tree: bool = False) -> Artifact:
    return Artifact(Origin.GENERATED, path, tree=tree)


def literal(path: str, content: bytes, *, executable: bool = False) -> Artifact:
    return Artifact(Origin.LITERAL, path, content=content, executable=executable)


@dataclass
class Recorder:
    """An observer that remembers."""

    ran: list[str] = field(default_factory=list)
    cached: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    on_start: Callable[[ActionEvent], None] | None = None
    on_finish: Callable[[ActionEvent], None] | None = None
    remote: list[str] = field(default_factory=list)
    transferred: list[Statistics] = field(default_factory=list)

    def graph_ready(self, total: int) -> None:
        self.totals.append(total)

    def action_started(self, event: ActionEvent) -> None:
        self.started.append(event.label)
        if self.on_start:
            self.on_start(event)

    def action_finished(self, event: ActionEvent, outcome: ActionOutcome) -> None:
        (self.ran if outcome.executed else self.cached).append(event.label)
        if outcome.remote:
            self.remote.append(event.label)
        if self.on_finish:
            self.on_finish(event)

    def fetch_progress(self, purl: str, done: int, total: int) -> None:
        raise AssertionError(f"no test here fetches: {purl} {done} {total}")

    def note(self, text: str) -> None:
        self.notes.append(text)

    def transfers(self, statistics: Statistics) -> None:
        self.transferred.append(statistics)


class Project:
    """Sources, actions and requests of one workspace; ``build`` is the real thing."""

    def __init__(self, root: Path, cache: Path, busybox: Path) -> None:
        self.root = root
        self.cache = cache
        self.busybox = busybox
        self.actions: list[Action] = []
        self.recorder = Recorder()
        self.analyses = 0
        self.packages: dict[str, Path] = {}
        self.team: dict[str, Any] = {}
        self.requested: list[str] = []
        root.mkdir()
        self.write("BUILD.toml", "")

    def write(self, path: str, text: str | bytes) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)
        return place

    def read(self, path: str) -> str:
        return (self.root / "unibuild-out" / path).read_text(encoding="utf-8")

    def shell(
        self,
        name: str,
        command: str,
        inputs: tuple[Artifact, ...] = (),
        outputs: tuple[Artifact, ...] | None = None,
        **more: object,
    ) -> Action:
        """Declare a shell command; it makes the file ``name`` unless told otherwise."""
        action = Action(
            label=f"//{name.rpartition('/')[0]}:{name.rpartition('/')[2]}",
            mnemonic="Shell",
            arguments=(SHELL, "sh", "-e", "-c", command),
            inputs=(source(SHELL), *inputs),
            outputs=(made(name),) if outputs is None else outputs,
            **more,  # type: ignore[arg-type]
        )
        self.actions.append(action)
        return action

    def function(
        self, name: str, builtin: str, inputs: tuple[Artifact, ...] = (), *arguments: str
    ) -> Action:
        """Declare a built-in action that makes the file ``name``."""
        action = Action(
            f"//:{name}", "Function", (f"@builtin/{builtin}", *arguments), inputs, (made(name),),
            DEFAULT_ENVIRONMENT, builtin,
        )  # fmt: skip
        self.actions.append(action)
        return action

    def graph(self) -> ActionGraph:
        self.analyses += 1
        targets = {
            action.label: TargetResult(
                action.label,
                "shell",
                () if action.test else action.outputs,
                action.outputs if action.test else (),
            )
            for action in self.actions
        }
        directories = [str(self.root), *(str(p) for p in self.root.rglob("*") if self._own(p))]
        return ActionGraph(
            tuple(self.actions),
            targets,
            tuple(self.requested or targets),
            (str(self.root / "BUILD.toml"),),
            tuple(directories),
            {"": str(self.root), "external/busybox": str(self.busybox.parent)},
        )

    def _own(self, path: Path) -> bool:
        top = path.relative_to(self.root).parts[0]
        return path.is_dir() and top not in {"unibuild-out", ".unibuild"}

    def request(
        self,
        kind: Kind = "build",
        sandbox: SandboxMode = "required",
        *,
        jobs: int = 2,
        keep_going: bool = False,
        only_action: str = "",
        digest_function: str = "blake3",
        host: dict[str, str] | None = None,
    ) -> BuildRequest:
        request = BuildRequest(
            workspace_root=self.root,
            cache_root=self.cache,
            patterns=("//...",),
            key=kept_graph.request_key(
                kind,
                ("//...",),
                version="test",
                sandbox=sandbox,
                download=self.team.get("download", "toplevel"),
            ),
            analyse=self.graph,
            fetch=lambda purl: self.packages[purl],
            builtins=BUILTINS,
            kind=kind,
            jobs=jobs,
            keep_going=keep_going,
            sandbox=sandbox,
            digest_function=digest_function,
            only_action=only_action,
            host=host or {},
        )
        return replace(request, **self.team)

    def build(self, *arguments: object, **options: object) -> BuildReport:
        """Build everything; what ran is in ``recorder``, renewed by each build.

        Waits until no file is so young that its stamp cannot be trusted yet.
        """
        time.sleep(RACY_NS / 10**9)
        return self.build_now(*arguments, **options)

    def build_now(self, *arguments: object, **options: object) -> BuildReport:
        """Build everything at once, however young the sources are."""
        before = self.recorder
        self.recorder = Recorder(on_start=before.on_start, on_finish=before.on_finish)
        return build(self.request(*arguments, **options), self.recorder)  # type: ignore[arg-type]

    def ran(self, **options: object) -> list[str]:
        """Build successfully and return the labels of the actions that ran."""
        report = self.build(**options)
        assert report.failures == ()
        assert report.executed == len(set(self.recorder.ran))
        return self.recorder.ran

    def is_null(self, kind: Kind = "build") -> bool:
        """Tell whether the fast way says that there is nothing to do."""
        return kept_graph.try_null_build(str(self.root), self.request(kind).key) is not None


def join(call: BuiltinCall) -> None:
    """Join all inputs: a built-in action."""
    data = b"".join(path.read_bytes() for _, path in sorted(call.inputs.items()))
    for path in call.outputs.values():
        path.write_bytes(data + " ".join(call.arguments).encode())


def refuse(call: BuiltinCall) -> None:
    """Fail as a built-in action should."""
    call.log.write_text("what the log says\n", encoding="utf-8")
    raise ActionError(id="refused", cause="it was refused", hint="do not ask", detail=("why",))


def crash(call: BuiltinCall) -> None:
    """Fail as a built-in action should not."""
    raise ZeroDivisionError(call.arguments)


def environment(call: BuiltinCall) -> None:
    """Tell which process group it runs in."""
    for path in call.outputs.values():
        path.write_text(f"{os.getsid(0) == os.getpid()}", encoding="utf-8")


BUILTINS = {
    name: f"execution.project:{name}" for name in ("join", "refuse", "crash", "environment")
}
