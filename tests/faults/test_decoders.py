"""Every decoder of outside bytes ends soon, with a value or with ``MalformedMessageError``."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import unibuild.store.remote
from unibuild.store import reapi
from unibuild.store.digests import Digest
from unibuild.store.protobuf import MalformedMessageError, message, number, varint
from unibuild.store.reapi import encode_digest, encode_tree
from unibuild.store.remote import protocol, requests

GOOD = Digest("ab" * 32, 3)


def modules() -> Iterator[Any]:
    yield reapi
    for found in pkgutil.iter_modules(unibuild.store.remote.__path__):
        if found.name.startswith("messages"):
            yield importlib.import_module(f"unibuild.store.remote.{found.name}")


def decoders() -> list[Any]:
    """Return all public functions named ``decode…`` that take bytes and nothing else."""
    found = {}
    for module in modules():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            parameters = list(inspect.signature(function).parameters.values())
            if name.startswith("decode") and len(parameters) == 1:
                found[f"{function.__module__.rpartition('.')[2]}.{name}"] = function
    return [pytest.param(function, id=name) for name, function in sorted(found.items())]


def fields_of(depth: int) -> st.SearchStrategy[bytes]:
    """Return messages that look like real ones: small field numbers, nested fields."""
    value = st.one_of(
        st.binary(max_size=12),
        st.just(encode_digest(GOOD)),
        st.sampled_from([b"..", b"/", b"a/../b", b"\xff", b"a\0b", ("ab" * 32).encode()]),
        *([fields_of(depth - 1)] if depth else []),
    )
    field = st.integers(1, 12)
    one = st.one_of(
        st.builds(number, field, st.integers(1, 2**64 - 1)),
        st.builds(message, field, value),
        st.builds(lambda f, v: varint(f << 3 | 1) + v, field, st.binary(min_size=8, max_size=8)),
    )
    return st.lists(one, max_size=5).map(b"".join)


MESSAGES = st.one_of(
    st.binary(max_size=60),
    fields_of(3),
    st.builds(lambda data, size: data[:size], fields_of(3), st.integers(0, 40)),
)


def survives(decode: Callable[[bytes], object], data: bytes) -> object:
    try:
        return decode(data)
    except MalformedMessageError:
        return None


@pytest.mark.parametrize("decode", decoders())
@settings(max_examples=40, deadline=None)
@given(data=MESSAGES)
@example(b"\x80" * 11)
@example(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
@example(b"\x12" * 40)
def test_a_decoder_knows_one_error(decode: Callable[[bytes], object], data: bytes) -> None:
    survives(decode, data)


def large_cases(count: int) -> list[bytes]:
    nested = b""
    for _ in range(count // 10):
        nested = message(1, nested)
    return [
        b"\x0a\x00" * count,
        b"\x12\x00" * count,
        number(2, 2**64 - 1) * (count // 10),
        message(2, message(1, b"a" * 100)) * (count // 50),
        message(1, b"\x0a" + varint(2**62)),
        nested,
    ]


@pytest.mark.parametrize("decode", decoders())
def test_a_decoder_is_linear_in_time_and_memory(decode: Callable[[bytes], object]) -> None:
    began = time.process_time()
    for data in large_cases(20_000):
        survives(decode, data)
    assert time.process_time() - began < 4  # what grows with the square takes minutes
    for data in large_cases(500):
        tracemalloc.start()
        survives(decode, data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 500 * len(data) + 100_000


def test_a_tree_that_names_itself_is_only_a_name() -> None:
    node = reapi.encode_directory_node("again", GOOD)
    root, children = reapi.decode_tree(encode_tree(node, [node, node]))
    assert root == node
    assert children == (node, node)


DIGESTS = st.builds(Digest, st.text("0123456789abcdef", min_size=64, max_size=64),
                    st.integers(0, 2**62))  # fmt: skip
ASKED = st.one_of(
    st.builds(requests.Lookup, st.integers(0, 2**40), DIGESTS),
    st.builds(
        requests.Fetch,
        st.integers(0, 2**31),
        st.lists(st.builds(requests.Blob, DIGESTS, st.booleans(), st.booleans()), max_size=3).map(
            tuple
        ),
    ),
    st.builds(requests.Found, st.integers(0, 99), st.none() | st.binary(max_size=99), st.text()),
    st.builds(requests.Noted, st.text(max_size=50)),
)


@settings(max_examples=100, deadline=None)
@given(sent=st.lists(ASKED, max_size=6), sizes=st.lists(st.integers(1, 70), min_size=1))
def test_frames_come_out_whole_however_the_socket_cuts_them(
    sent: list[requests.Request | requests.Reply], sizes: list[int]
) -> None:
    data = protocol.encode(sent)
    decoder = protocol.Decoder()
    found: list[object] = []
    position = 0
    while position < len(data):
        size = sizes[position % len(sizes)]
        found += decoder.feed(data[position : position + size])
        position += size
    assert found == sent
    assert [type(item) for item in found] == [type(item) for item in sent]
