"""What becomes of each variation, and of the check: put together as the experiments tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.model.errors import DifferenceError, HostError
from unibuild.verify import comparison, differing, ordinary, twice
from unibuild.verify.outcome import Outcome
from unibuild.verify.variations import bisection, catalogue
from unibuild.verify.variations.catalogue import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.verify.comparison import ActionDifference
    from unibuild.verify.variations.bisection import Guilt
    from unibuild.verify.variations.experiment import Experiment
    from unibuild.verify.variations.variation import Variation
    from unibuild.verify.workbench import Workbench

ERROR_ID = "varied-rebuild-differs"
_STOPPED = "its rebuild was ended when another action differed"
_INNOCENT = {
    "each-time": "it differs without any variation too: it does not make the same from the same",
    "now-and-then": "it differs now and then, whatever is varied: it follows what others do meanwhile",
    "elsewhere": "rebuilt it is always the same, with all variations and with none, and not what the "
    "ordinary build has: that was made from other sources, or its cache holds what they do not make",
}
"""What is said of a difference that no variation is guilty of."""


class Report:
    """The rows of all variations, and the outcome; ``choice`` is what is left to vary."""

    def __init__(self, bench: Workbench, choice: Choice) -> None:
        """Begin with what cannot be done here; nothing is passed yet."""
        self._bench = bench
        self.choice = choice
        self._rows: dict[str, dict[str, str]] = {}
        self._facts: dict[str, object] = {"variations": self._rows}
        for each in catalogue.ALL:
            if each in choice.variations:
                self._rows[each.name] = _row(bench, each)
            elif each.name in choice.lacking:
                why = choice.lacking[each.name]
                row = {"status": "not-done", "control": each.control(bench), "experiment": ""}
                self._rows[each.name] = {**row, "reason": why}

    def count(self, experiments: Sequence[Experiment], seconds: float) -> None:
        """Note how much was compared, and which variations passed so far."""
        compared = [each.comparison for each in experiments]
        self._facts.update(
            rebuilds=len(experiments),
            actions=sum(each.compared for each in compared),
            bytes=sum(each.bytes for each in compared),
            seconds=round(seconds, 3),
        )
        for name, row in self._rows.items():
            mine = [each for each in experiments if name in {one.name for one in each.variations}]
            why = next((each.ineffective[name] for each in mine if name in each.ineffective), "")
            clean = all(each.ended and each.difference is None and not each.raised for each in mine)
            if mine and why:
                row["reason"] = f"it had no effect: {why}"
            elif mine and clean:
                row.update(status="passed", reason="")

    def outcome(self, experiments: Sequence[Experiment]) -> Outcome | None:
        """Return the outcome; nothing when fewer variations are left, and can be tried again."""
        asked_otherwise = any(
            each.difference.cause != "outputs" if each.difference else each.raised
            for each in experiments
        )
        if asked_otherwise and not ordinary.is_current(self._bench):
            error = ordinary.changed(self._bench)
            return Outcome("not-done", error.cause, (error,), facts=self._facts)
        for each in experiments:
            if each.difference is not None:
                return self._differs(each, each.difference)
        for each in experiments:
            if each.raised:
                return self._raised(each)
        return self._same()

    def _same(self) -> Outcome:
        """Return the outcome of experiments that made everything as before."""
        passed = [name for name, row in self._rows.items() if row["status"] == "passed"]
        if not passed or (self._by_name() and len(passed) < len(self.choice.variations)):
            lacking = "; ".join(self._undone()) or "no variation can be done on this machine"
            error = HostError(id="variation-not-possible", cause=lacking)
            return Outcome("not-done", lacking, (error,), facts=self._facts)
        count = len(passed)
        what = f"{count} variations" if count != 1 else f"variation {passed[0]}"
        summary = f"rebuilt under {what}, {self._facts['actions']} actions all the same"
        if len(passed) < len(self._rows):
            summary += f"; {len(self._rows) - len(passed)} not done"
        return Outcome("passed", summary, notes=self._undone(), facts=self._facts)

    def _differs(self, experiment: Experiment, difference: ActionDifference) -> Outcome:
        """Return the outcome of an action that differed, with the variation behind it."""
        exhibit = differing.keep(self._bench, "varied", difference, experiment.site.cache())
        guilt = self._guilt(experiment, difference)
        self._blame(guilt)
        self._facts["difference"] = {
            "label": difference.action.label,
            "mnemonic": difference.action.mnemonic,
            "cause": difference.cause,
            "outputs": [output.path for output, _ in difference.outputs],
            "verdict": guilt.verdict,
            "variations": [each.name for each in guilt.variations],
            "first_cause": exhibit.cause,
        }
        cause = _cause(comparison.words(difference), guilt)
        detail = (*self._said(guilt), *exhibit.lines())
        error = DifferenceError(ERROR_ID, cause, detail=detail, label=difference.action.label)
        errors = (error, *experiment.raised)
        return Outcome("failed", cause, errors, notes=self._undone(), facts=self._facts)

    def _raised(self, experiment: Experiment) -> Outcome | None:
        """Return the outcome of a rebuild that ended with an error before any action differed."""
        first = experiment.raised[0]
        guilt = self._guilt(experiment, None)
        names = " and ".join(each.name for each in guilt.variations)
        if guilt.verdict != "varied" or isinstance(first, HostError):
            for each in guilt.variations or experiment.variations:
                self._rows[each.name]["reason"] = first.cause
            left = tuple(each for each in self.choice.variations if each not in guilt.variations)
            if guilt.variations and left and not self._by_name():
                self.choice = Choice(left, self.choice.lacking)
                return None
            error = HostError(
                id="variation-not-possible",
                cause=f"nothing can be rebuilt with {names} varied" if names else first.cause,
                detail=(first.cause, *first.detail),
                hint=f"--vary without {names}" if names else first.hint,
            )
            return Outcome("not-done", error.cause, (error,), self._undone(), self._facts)
        self._blame(guilt)
        cause = f"with {names} varied, the target cannot be built"
        detail = (*self._said(guilt), first.cause)
        wrong = DifferenceError(ERROR_ID, cause, detail=detail, label=first.label)
        return Outcome("failed", cause, (wrong, *experiment.raised), self._undone(), self._facts)

    def _guilt(self, experiment: Experiment, difference: ActionDifference | None) -> Guilt:
        """Bisect with the guilty action, or without one with the last."""
        reference = twice.reference(self._bench).actions
        action = reference[max(reference)] if difference is None else difference.action
        steadying = [each for each in self.choice.variations if each.steadies]

        def told(names: str) -> None:
            self._bench.progress.step(f"running {comparison.name(action)} under {names}")

        output = action.outputs[0].path if action.outputs else ""
        expected = None if difference is None else difference.reference
        suspect = bisection.Suspect(experiment.site, output, expected, told)
        return suspect.find(experiment.variations, steadying)

    def _blame(self, guilt: Guilt) -> None:
        for each in guilt.variations:
            self._rows[each.name].update(status="failed", reason="an action follows it")

    def _said(self, guilt: Guilt) -> tuple[str, ...]:
        """Return for people what the guilty variations varied, or why there is none."""
        rows = [(each, self._rows[each.name]) for each in guilt.variations]
        if guilt.verdict == "varied":
            return tuple(
                f"{each.name} ({each.varies}): {row['experiment']}; before: {row['control']}"
                for each, row in rows
            )
        if guilt.verdict == "steadied":
            return tuple(
                f"it differs each time, and no more under {each.name} ({each.varies}): "
                f"{row['experiment']}"
                for each, row in rows
            )
        return (_INNOCENT[guilt.verdict],)

    def _undone(self) -> tuple[str, ...]:
        """Return a note for each reason for which variations were not done."""
        names: dict[str, list[str]] = {}
        for name, row in self._rows.items():
            if row["status"] == "not-done" and row["reason"] != _STOPPED:
                names.setdefault(row["reason"], []).append(name)
        return tuple(f"{', '.join(those)} not varied: {why}" for why, those in names.items())

    def _by_name(self) -> bool:
        names = self._bench.options.vary
        return bool(names) and catalogue.EVERYTHING not in names


def _cause(what: str, guilt: Guilt) -> str:
    """Return one sentence of what differs and which variation it follows."""
    names = " and ".join(each.name for each in guilt.variations)
    if guilt.verdict == "varied":
        return f"with {names} varied, {what}"
    return f"each time, because of {names}, {what}" if guilt.verdict == "steadied" else what


def _row(bench: Workbench, variation: Variation) -> dict[str, str]:
    values = dict.fromkeys(variation.experiment(bench, turn) for turn in sorted(variation.turns))
    return {
        "status": "not-done",
        "control": variation.control(bench),
        "experiment": " and ".join(values),
        "reason": _STOPPED,
    }
