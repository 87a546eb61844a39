from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store.reapi_cases import CASES

from unibuild.store import reapi
from unibuild.store.digests import Digest
from unibuild.store.protobuf import MalformedMessageError, fields, read_varint, varint

GOLDEN: dict[str, str] = json.loads(
    Path(__file__).with_name("reapi_golden.json").read_text(encoding="utf-8")
)


def digest(value: dict[str, Any]) -> Digest:
    return Digest(value["hash"], value["size_bytes"])


def pairs(values: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((value["name"], value["value"]) for value in values)


def platform(value: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return pairs(value.get("platform", {}).get("properties", []))


def directory(value: dict[str, Any]) -> reapi.Directory:
    return reapi.Directory(
        tuple(
            reapi.FileNode(node["name"], digest(node["digest"]), node.get("is_executable", False))
            for node in value.get("files", [])
        ),
        tuple(
            reapi.DirectoryNode(node["name"], digest(node["digest"]))
            for node in value.get("directories", [])
        ),
        tuple(
            reapi.SymlinkNode(node["name"], node["target"]) for node in value.get("symlinks", [])
        ),
    )


def result(value: dict[str, Any]) -> reapi.ActionResult:
    return reapi.ActionResult(
        tuple(
            reapi.OutputFile(item["path"], digest(item["digest"]), item.get("is_executable", False))
            for item in value.get("output_files", [])
        ),
        tuple(
            reapi.OutputDirectory(
                item["path"], digest(item["tree_digest"]), digest(item["root_directory_digest"])
            )
            for item in value.get("output_directories", [])
        ),
        value.get("exit_code", 0),
        value.get("stdout_raw", b""),
    )


def encoded(kind: str, value: dict[str, Any]) -> bytes:
    if kind == "Digest":
        return reapi.encode_digest(digest(value))
    if kind == "Command":
        return reapi.encode_command(
            value.get("arguments", []),
            pairs(value.get("environment_variables", [])),
            value.get("output_paths", []),
            platform(value),
            value.get("working_directory", ""),
        )
    if kind == "Directory":
        return reapi.encode_directory(directory(value))
    if kind == "Tree":
        children = [reapi.encode_directory(directory(child)) for child in value["children"]]
        return reapi.encode_tree(reapi.encode_directory(directory(value["root"])), children)
    if kind == "Action":
        return reapi.encode_action(
            digest(value["command_digest"]),
            digest(value["input_root_digest"]),
            platform(value),
            value.get("timeout", {}).get("seconds", 0),
        )
    return reapi.encode_action_result(result(value))


@pytest.mark.parametrize("name", CASES)
def test_bytes_are_those_of_the_protobuf_library(name: str) -> None:
    kind, value = CASES[name]
    assert encoded(kind, value).hex() == GOLDEN[name]


def test_every_golden_message_has_a_case() -> None:
    assert set(GOLDEN) == set(CASES)


def test_lists_are_sorted_whatever_their_order() -> None:
    kind, value = CASES["command"]
    shuffled = dict(value)
    for name in ("environment_variables", "output_paths"):
        shuffled[name] = list(reversed(value[name]))  # type: ignore[call-overload]
    assert encoded(kind, shuffled) == encoded(kind, value)
    tree = directory(CASES["directory"][1])
    backwards = reapi.Directory(tree.files[::-1], tree.directories[::-1], tree.symlinks[::-1])
    assert reapi.encode_directory(backwards) == reapi.encode_directory(tree)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "result" in name])
def test_results_are_read_back(name: str) -> None:
    assert reapi.decode_action_result(bytes.fromhex(GOLDEN[name])) == result(CASES[name][1])


def test_a_directory_and_a_tree_are_read_back() -> None:
    found = reapi.decode_directory(bytes.fromhex(GOLDEN["directory"]))
    assert found == directory(CASES["directory"][1])
    root, children = reapi.decode_tree(bytes.fromhex(GOLDEN["tree"]))
    assert reapi.encode_tree(root, children).hex() == GOLDEN["tree"]


@given(st.integers(0, 2**63 - 1))
def test_numbers_are_read_back(value: int) -> None:
    data = varint(value)
    assert read_varint(data, 0) == (value, len(data))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    for decode in (reapi.decode_action_result, reapi.decode_directory, reapi.decode_tree):
        try:
            decode(data)
        except MalformedMessageError:
            continue


@pytest.mark.parametrize("data", [b"\x0a\x05abc", b"\x08", b"\xff" * 11, b"\x0b", b"\x09abc"])
def test_damaged_messages_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        list(fields(data))
