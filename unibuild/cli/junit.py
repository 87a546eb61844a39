"""JUnit XML, in the testsuite/testcase/failure form that CI servers read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from unibuild.store.named_files import replace_file

if TYPE_CHECKING:
    from collections.abc import Sequence

Verdict = Literal["passed", "failure", "error"]


@dataclass(frozen=True, slots=True)
class Case:
    """One test case: ``failure`` says no, ``error`` that it could not be done; ``text`` is its log."""

    group: str
    name: str
    seconds: float
    verdict: Verdict
    message: str = ""
    text: str = ""


def write(file: str, cases: Sequence[Case]) -> None:
    """Write ``cases`` to ``file``, whole or not at all."""
    from xml.etree import ElementTree as ET

    verdicts = [case.verdict for case in cases]
    suite = ET.Element(
        "testsuite",
        name="unibuild",
        tests=str(len(cases)),
        failures=str(verdicts.count("failure")),
        errors=str(verdicts.count("error")),
    )
    for case in cases:
        element = ET.SubElement(
            suite, "testcase", classname=case.group, name=case.name, time=f"{case.seconds:.3f}"
        )
        if case.verdict != "passed":
            found = ET.SubElement(element, case.verdict, message=_xml_text(case.message))
            found.text = _xml_text(case.text)
        elif case.text:
            ET.SubElement(element, "system-out").text = _xml_text(case.text)
    replace_file(Path(file), ET.tostring(suite, encoding="utf-8", xml_declaration=True))


def _xml_text(text: str) -> str:
    """Return ``text`` without the control characters that XML 1.0 does not allow."""
    return "".join(c for c in text if c in "\t\n\r" or c >= " ")
