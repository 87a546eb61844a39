from __future__ import annotations

import sys
from pathlib import Path

import pytest
from conformance.examine import Examination, examine
from support import processes
from support.command import ROOT

PROGRAM = Path(__file__).with_name("faulty_server.py")


def found_out(fault: str, folder: Path) -> Examination:
    process = processes.Process(
        lambda port: [sys.executable, PROGRAM, fault, f"127.0.0.1:{port}", folder / "store"],
        processes.answers_grpc,
        folder / "log",
        {"PYTHONPATH": str(ROOT)},
    )
    try:
        process.start()
        return examine(f"grpc://127.0.0.1:{process.port}")
    finally:
        process.stop()


@pytest.mark.parametrize(
    ("fault", "fails", "differs"),
    [
        (
            "changes",
            {"content.batch-round-trip", "content.batch-limit", "content.batch-missing",
             "stream.round-trip", "stream.broken"},
            {"stream.read-part"},
        ),
        (
            "credulous",
            {"content.batch-wrong-digest", "stream.wrong-digest", "stream.unfinished",
             "zstd.wrong-digest", "zstd.streams"},
            set(),
        ),
        (
            "forgetful",
            {"content.find-missing", "stream.unfinished", "stream.broken", "stream.wrong-digest"},
            {"result.incomplete", "result.incomplete-tree"},
        ),
        ("quotaless", {"keeping.first-blob"}, {"content.empty-blob"}),
        ("rewriting", {"result.auxiliary-metadata"}, {"result.overwrite"}),
        (
            "boastful",
            {"content.batch-limit", "zstd.streams"},
            {"server.limits", "content.batch-announced"},
        ),
        ("garbled", {"result.round-trip", "result.tree", "result.overwrite"}, set()),
        ("foreign", {"server.answers"}, set()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_fault_is_found_out(
    tmp_path: Path, fault: str, fails: set[str], differs: set[str]
) -> None:
    found = found_out(fault, tmp_path)
    assert fails <= {name for name, outcome in found.outcomes.items() if outcome == "fails"}
    assert differs <= {name for name, outcome in found.outcomes.items() if outcome == "differs"}
    assert (found.status, found.error) == (4, "")
    assert fault != "foreign" or "no cache" in found.detail("server.answers")
    for verdict in found.verdicts:
        assert verdict["outcome"] in {"passes", "not offered"} or verdict["detail"]
