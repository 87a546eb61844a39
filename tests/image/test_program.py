from __future__ import annotations

from typing import Any

import pytest

from unibuild.elf.link_map import Placement
from unibuild.elf.linux_calls import NAMES
from unibuild.image import program_questions
from unibuild.image.call_table import assembly, is_call, near_calls
from unibuild.image.program import Program, divided
from unibuild.image.questions import explain, why
from unibuild.image.root_archive import write_root_archive
from unibuild.model.errors import UserError

REASON = {"file": "server", "function": "main.serve", "address": 0x401000, "how": "direct"}
ENTRY = {"symbol": "ub_linux_sendfile", "object": "sendfile.o", "component": "//k/linux/file:file"}
POINT = {"symbol": "ub_sys_sendfile", "object": "sendfile.o", "component": "//k/file:file"}
STEP = {
    "from": "//web:server",
    "from_object": "calls.o",
    "symbol": "ub_linux_sendfile",
    "to": "//k/linux/file:file",
    "to_object": "sendfile.o",
}


def component(label: str, reason: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "label": label,
        "kind": "kernel",
        "description": "",
        "file_bytes": 1,
        "zeroed_bytes": 0,
        "objects": [],
        "reason": reason,
    }


def call(number: int, entry: dict[str, str] | None, reasons: list[Any]) -> dict[str, Any]:
    return {
        "number": number,
        "provided": entry is not None,
        "reasons": reasons,
        "entry": entry,
        "entry_points": [POINT] if entry else [],
    }


MANIFEST: dict[str, Any] = {
    "label": "//web:image",
    "app": "//web:server",
    "sandbox": "bubblewrap",
    "image": {"size": 400},
    "platform": {"label": "//p:p", "devices": []},
    "files": [],
    "ports": [8080],
    "components": [
        component("//k/linux/file:file", [STEP]),
        component("//k/file:file", [STEP, STEP | {"from_object": "sendfile.o", "from": "//k"}]),
    ],
    "program": {
        "path": "/bin/server",
        "kind": "static",
        "interpreter": "",
        "needed": [],
        "settings": {"allow_exec_mappings": False},
        "calls": {
            "sendfile": call(40, ENTRY, [REASON]),
            "fork": call(57, None, [REASON | {"function": ""}]),
            "sync": call(162, None, []),
        },
        "missing": ["fork", "sync"],
        "undecided": [],
        "warnings": [],
    },
}


def test_a_call_has_its_function_and_what_answers_it() -> None:
    for text in ("sendfile", "ub_linux_sendfile", "ub_sys_sendfile"):
        told = why(MANIFEST, text)
        assert told["call"] == "sendfile"
        assert told["because"] == "main.serve of server calls sendfile"
        assert [one["symbol"] for one in told["answered_by"]] == [
            "ub_linux_sendfile",
            "ub_sys_sendfile",
        ]


def test_a_component_tells_which_calls_it_answers() -> None:
    told = why(MANIFEST, "//k/file:file")
    assert told["because"] == "sendfile.o of //k needs `ub_linux_sendfile`"
    assert told["origin"] == "main.serve of server calls sendfile"
    assert told["calls"] == [{"call": "sendfile", "because": "main.serve of server calls sendfile"}]


def test_a_call_without_a_component_and_one_that_was_only_asked_for() -> None:
    assert why(MANIFEST, "fork") | {"reasons": []} == {
        "image": "//web:image",
        "call": "fork",
        "number": 57,
        "provided": False,
        "because": "0x401000 of server calls fork",
        "reasons": [],
        "answered_by": [],
    }
    assert why(MANIFEST, "sync")["because"] == "`system_calls` names sync"


def test_a_call_that_the_program_does_not_make() -> None:
    with pytest.raises(UserError, match="no function of /bin/server makes it") as caught:
        why(MANIFEST, "reboot")
    assert 'system_calls = ["reboot"] at //web:server' in caught.value.hint
    with pytest.raises(UserError) as caught:
        why(MANIFEST, "sendfil")
    assert "`sendfile`" in caught.value.hint


def test_explain_speaks_of_functions_and_lists_what_is_missing() -> None:
    told = explain(MANIFEST)
    assert told["components"][0]["because"] == "main.serve of server calls sendfile"
    assert [one["name"] for one in told["program"]["missing"]] == ["fork", "sync"]
    assert told["ports"] == [8080]


def test_an_image_without_a_linux_program_has_nothing_to_tell() -> None:
    assert program_questions.summary({}) is None
    assert program_questions.calls({}) == {}


def test_the_table_has_the_functions_of_the_calls_by_number() -> None:
    lines = assembly({"read", "close", "no such call"}).splitlines()
    start = lines.index("ub_linux_calls:")
    assert lines[start + 1 : start + 5] == [
        "    .quad ub_linux_read",
        "    .quad 0",
        "    .quad 0",
        "    .quad ub_linux_close",
    ]
    assert lines[lines.index("ub_linux_call_count:") + 1] == "    .quad 4"
    assert sum(line.startswith("    .asciz ") for line in lines) == max(NAMES) + 1


def test_an_empty_table() -> None:
    lines = assembly(()).splitlines()
    assert lines[lines.index("ub_linux_call_count:") + 1] == "    .quad 0"


def test_names_of_calls() -> None:
    assert is_call("openat")
    assert not is_call("opnat")
    assert "`openat`" in near_calls("opnat")


def test_the_program_owns_its_bytes_of_the_root(tmp_path: Any) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\x7fELF" + bytes(100))
    root = write_root_archive({"/bin/p": file, "/z": file}, programs=True)
    program = Program("/bin/p", "gen/p", {"calls": {}}, {})
    whole = Placement(".ub_root", 0x5000, len(root), "parameters.o", ".ub_root")
    other = Placement(".text", 0x1000, 16, "a.o", ".text")
    found = divided([other, whole], program, root)
    assert found[0] == other
    assert [(one.address, one.object) for one in found[1:]] == [
        (0x5000, "parameters.o"),
        (0x6000, "gen/p"),
        (0x6000 + 104, "parameters.o"),
    ]
    assert sum(one.size for one in found[1:]) == len(root)
    assert divided([whole], None, root) == [whole]
