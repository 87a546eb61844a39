"""Start one action and judge how it ended: sandboxed command, bare command or built-in function."""

from __future__ import annotations

import marshal
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from unibuild.execution.inputs import Area
from unibuild.execution.keys import output_path
from unibuild.execution.processes import fixed_umask
from unibuild.model import errors
from unibuild.model.errors import ActionError, UnibuildError
from unibuild.store.layout import remove_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unibuild.execution.inputs import Stage, Staged
    from unibuild.execution.plan import Plan, Record
    from unibuild.execution.processes import Child, Processes
    from unibuild.execution.sandbox import Sandbox
    from unibuild.store.layout import Session

_ERROR_FILE = "error"
_LOG_FILE = "log"


class Started(NamedTuple):
    """A running action: its child, where it reads and writes, and its scratch directory.

    ``area`` is that directory when the next action may use it again.
    """

    child: Child
    base: str
    inputs: str
    outputs: str
    area: Area | None


class Runner:
    """Starts actions one by one; the scheduler decides when."""

    def __init__(
        self,
        plan: Plan,
        stage: Stage,
        session: Session,
        processes: Processes,
        sandbox: Sandbox,
        builtins: Mapping[str, str],
        packages: Mapping[int, str],
        supervisor: tuple[str, ...] = (),
    ) -> None:
        """Run commands in ``sandbox`` and the named ``builtins`` in forked children.

        ``supervisor`` is that of the request.
        """
        self._plan = plan
        self._stage = stage
        self._session = session
        self._processes = processes
        self._sandbox = sandbox
        self._builtins = builtins
        self._packages = packages
        self._supervisor = supervisor
        self._areas: list[Area] = []

    def stage(self, record: Record) -> Staged | None:
        """Lay the inputs of an action out; built-in actions need nothing laid out.

        Raises ``MissingBlobError`` and ``ChangedSourceError``.
        """
        if record.builtin:
            return None
        with fixed_umask():
            area = self._areas.pop() if self._areas else Area(self._session.scratch())
            lay_out = self._stage.lay_out if self._sandbox.active else self._stage.copy_out
            try:
                return lay_out(record, area)
            except BaseException:
                remove_tree(area.base)
                raise

    def discard(self, staged: Staged | None) -> None:
        """Give back what was laid out for an action that is not started after all."""
        if staged is not None:
            remove_tree(staged.area.base)

    def start(self, token: int, record: Record, staged: Staged | None) -> Started:
        """Start an action; a built-in one may raise as ``stage`` does."""
        if staged is None:
            return self._start_builtin(token, record, self._session.scratch())
        program = record.arguments[0]
        arguments = (program if "/" in program else f"./{program}", *record.arguments[1:])
        environment = dict(record.environment)
        active = self._sandbox.active
        supervisor = self._supervised(record)
        if active:
            line = self._sandbox.command(staged.inputs, staged.outputs, staged.trees, arguments)
            child = self._processes.spawn(token, [*supervisor, *line], environment, record.timeout)
        else:
            execute = _bare(staged, (*supervisor, *arguments), environment)
            child = self._processes.fork(token, execute, record.timeout)
        area = staged.area
        return Started(child, area.base, staged.inputs, staged.outputs, area if active else None)

    def _supervised(self, record: Record) -> list[str]:
        output = self._plan.paths[record.outputs[0]].partition("/")[2].replace("/", "%2F")
        return [word.replace("{output}", output) for word in self._supervisor]

    def release(self, started: Started, *, clean: bool) -> None:
        """Give back what an ended action used; ``clean`` when it made its outputs and no more."""
        started.child.close()
        if clean and started.area is not None and started.area.clear():
            self._areas.append(started.area)
        else:
            remove_tree(started.base)

    def _start_builtin(self, token: int, record: Record, base: str) -> Started:
        from unibuild.execution.request import BuiltinCall

        os.mkdir(base)
        outputs = f"{base}/out"
        paths = self._plan.paths
        inputs = {
            paths[a]: Path(self._packages.get(a) or self._stage.locate(a)) for a in record.inputs
        }
        made = {
            output_path(paths[a]): Path(f"{base}/out", paths[a].partition("/")[2])
            for a in record.outputs
        }
        for path in made.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        log = Path(base, _LOG_FILE)
        log.touch()
        call = BuiltinCall(record.arguments[1:], inputs, made, log, dict(record.environment))
        name = self._builtins.get(record.builtin, "")

        def run() -> None:
            try:
                _resolve(name, record.builtin)(call)
            except UnibuildError as error:
                kept = (
                    type(error).__name__,
                    error.id,
                    error.cause,
                    error.hint,
                    tuple(error.detail),
                )
                Path(base, _ERROR_FILE).write_bytes(marshal.dumps(kept))
                raise SystemExit(1) from error
            except BaseException:
                import traceback

                os.write(2, traceback.format_exc().encode())
                raise

        child = self._processes.fork(token, run, record.timeout)
        return Started(child, base, "", outputs, None)

    def printed(self, started: Started) -> bytes:
        """Return what an ended action printed, or wrote to its log."""
        text = started.child.output()
        if started.inputs:
            return text
        return text + Path(started.base, _LOG_FILE).read_bytes()

    def failure(self, record: Record, started: Started, printed: bytes) -> UnibuildError | None:
        """Return why an ended action failed, or nothing."""
        child = started.child
        if child.timed_out:
            return self._error(
                record, "action-timeout", f"took longer than {record.timeout} seconds", printed
            )
        if not child.status:
            return None
        raised = Path(started.base, _ERROR_FILE)
        if record.builtin and raised.exists():
            kind, identifier, cause, hint, detail = marshal.loads(raised.read_bytes())
            error = getattr(errors, kind, ActionError)(
                id=identifier, cause=cause, hint=hint, detail=tuple(detail)
            )
            return self.explained(error, record, printed)
        return self.refused(record, child.status, printed)

    def refused(self, record: Record, status: int, printed: bytes) -> UnibuildError:
        """Return the error of a command that ended with ``status``, negative for a signal."""
        ended = f"failed with exit status {status}"
        how = ended if status > 0 else f"was ended by signal {-status}"
        return self._error(record, "test-failed" if record.test else "action-failed", how, printed)

    def _error(self, record: Record, identifier: str, how: str, printed: bytes) -> UnibuildError:
        what = record.mnemonic or "the action"
        error = ActionError(id=identifier, cause=f"{what} of {record.label} {how}")
        return self.explained(error, record, printed)

    def explained(self, error: UnibuildError, record: Record, printed: bytes) -> UnibuildError:
        """Add to an error what the action printed and the command that repeats it alone."""
        text = printed.decode(errors="replace").splitlines()
        error.detail = (*error.detail, *text)
        error.label = record.label
        if not error.hint:
            error.hint = f"repeat it alone: {repeat_command(record, self._plan)}"
        return error


def repeat_command(record: Record, plan: Plan) -> str:
    """Return the command line that runs one action again and nothing else that is up to date."""
    output = plan.paths[record.outputs[0]].partition("/")[2]
    verb = "test" if record.test else "build"
    return shlex.join(["unibuild", verb, record.label, f"--only-action={output}"])


def _bare(
    staged: Staged, arguments: tuple[str, ...], environment: Mapping[str, str]
) -> Callable[[], None]:
    def execute() -> None:
        os.chdir(staged.inputs)
        try:
            os.execve(arguments[0], arguments, environment)  # noqa: S606 - no shell is meant
        except OSError as error:
            os.write(2, f"{arguments[0]}: {error.strerror}\n".encode())
            os._exit(127)

    return execute


def _resolve(name: str, builtin: str) -> Callable[[object], None]:
    from importlib import import_module

    module, colon, function = name.partition(":")
    if not colon:
        raise errors.InternalError(
            id="unknown-builtin", cause=f"no built-in action is called {builtin}"
        )
    found: Callable[[object], None] = getattr(import_module(module), function)
    return found
