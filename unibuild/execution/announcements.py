"""What the scheduler says of each action: begun once, finished once, and the verdicts of tests."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from unibuild.execution.observer import ActionEvent, ActionOutcome
from unibuild.execution.request import TestReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.execution.execution_log import LoggedAction, LogWriter
    from unibuild.execution.keys import Prepared
    from unibuild.execution.local_runs import Run
    from unibuild.execution.observer import Observer
    from unibuild.execution.plan import Plan
    from unibuild.execution.values import Value


class Announcements:
    """Tells one build's observer; an action that runs in two places is one to people."""

    def __init__(
        self, plan: Plan, observer: Observer, values: Sequence[Value | None], log: LogWriter | None
    ) -> None:
        """Tell ``observer`` and ``log``; ``tests`` collects the verdicts.

        ``values`` has those of an action's outputs when it is told that they are made.
        """
        self._plan = plan
        self._observer = observer
        self._values = values
        self._log = log
        self._begun: dict[int, Prepared] = {}
        self.tests: list[TestReport] = []

    def began(self, prepared: Prepared) -> None:
        """Tell that an action runs, unless that was told."""
        if prepared.number not in self._begun:
            self._observer.action_started(self._event(prepared))
        self._begun[prepared.number] = prepared

    def made(self, prepared: Prepared, run: Run, printed: bytes, *, remote: bool) -> None:
        """Tell that an action is done; on no slot it was found in a cache."""
        executed = run.slot >= 0
        self._verdict(prepared, run, printed, passed=True)
        if self._log is not None:
            self._log.write(self._logged(prepared, run, failed=False))
        self._finished(prepared, ActionOutcome(executed, False, *run, printed, remote))

    def failed(self, prepared: Prepared, run: Run, printed: bytes) -> None:
        """Tell that an action failed."""
        self._verdict(prepared, run, printed, passed=False)
        if self._log is not None:
            self._log.write(self._logged(prepared, run, failed=True))
        self._finished(prepared, ActionOutcome(True, True, *run, printed))

    def gave_up(self, prepared: Prepared, run: Run) -> None:
        """Tell that a run came to nothing and that the action will be looked at again."""
        self._finished(prepared, ActionOutcome(False, False, *run, b""))

    def gave_all_up(self) -> None:
        """Tell the same of all that is still under way."""
        now = time.monotonic()
        for prepared in list(self._begun.values()):
            self._finished(prepared, ActionOutcome(False, False, now, 0.0, -1, b""))

    def _finished(self, prepared: Prepared, outcome: ActionOutcome) -> None:
        self._begun.pop(prepared.number, None)
        self._observer.action_finished(self._event(prepared), outcome)

    def _verdict(self, prepared: Prepared, run: Run, printed: bytes, *, passed: bool) -> None:
        if prepared.record.test:
            label, cached = prepared.record.label, run.slot < 0
            self.tests.append(TestReport(label, passed, cached, run.seconds, printed))

    def _logged(self, prepared: Prepared, run: Run, *, failed: bool) -> LoggedAction:
        from unibuild.execution.execution_log import of_action

        return of_action(
            self._plan,
            self._values,
            prepared,
            executed=run.slot >= 0,
            failed=failed,
            seconds=run.seconds,
        )

    def _event(self, prepared: Prepared) -> ActionEvent:
        record = prepared.record
        output = self._plan.paths[record.outputs[0]].partition("/")[2] if record.outputs else ""
        return ActionEvent(
            prepared.number, record.label, record.mnemonic, record.description, output, record.test
        )
