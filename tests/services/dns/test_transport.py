"""Sizes, truncation, EDNS, and TCP."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import ExitStack
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest
from services.dns.client import SILENCE, WAIT, Client, Stream, framed, question

LARGE = ("large.example.test", "TXT")
MEDIUM = ("medium.example.test", "TXT")


def answered(stack: ExitStack, client: Client) -> Stream:
    """A connection on which a question has been answered already.

    A burst of connections alone would fill the short queue of QEMU's port forwarding, and then wait
    for the host to repeat itself.
    """
    stream = stack.enter_context(client.stream())
    stream.send(question("example.test"))
    assert stream.receive() is not None
    return stream


def is_truncated(answer: Any) -> bool:
    return bool(answer.flags & dns.flags.TC)


def test_truncated_then_whole_over_tcp(client: Client) -> None:
    short = client.ask(*LARGE)
    assert is_truncated(short)
    assert not short.answer
    whole = client.ask(*LARGE, tcp=True)
    assert not is_truncated(whole)
    assert len(whole.answer[0]) == 16
    query = dns.message.make_query(*LARGE)
    where = client.endpoint
    answer, used_tcp = dns.query.udp_with_fallback(query, where.host, WAIT, where.port)
    assert used_tcp
    assert answer.answer == whole.answer


@pytest.mark.parametrize(
    ("payload", "truncated"),
    [(None, True), (0, True), (511, True), (512, True), (1232, False), (4096, False)],
)
def test_size_limit_is_the_senders(client: Client, payload: int | None, *, truncated: bool) -> None:
    options = {} if payload is None else {"use_edns": 0, "payload": payload}
    assert is_truncated(client.ask(*MEDIUM, **options)) == truncated


@pytest.mark.parametrize("payload", [512, 700, 1000, 1231, 1232, 1500, 65535])
def test_no_datagram_is_longer_than_agreed(client: Client, payload: int) -> None:
    for name, kind in (LARGE, MEDIUM, ("example.test", "NS"), ("many.example.test", "A")):
        query = dns.message.make_query(name, kind, use_edns=0, payload=payload)
        answer = client.datagram(query.to_wire())
        assert answer is not None
        assert len(answer) <= min(payload, 1232)


def test_edns_is_answered_by_edns(client: Client) -> None:
    answer = client.ask("example.test", "SOA", use_edns=0, payload=4096, want_dnssec=True)
    assert answer.edns == 0
    assert answer.payload == 1232
    assert answer.ednsflags & dns.flags.DO
    assert not answer.options
    assert client.ask("example.test", "SOA").edns == -1


def test_unknown_options_are_not_sent_back(client: Client) -> None:
    options = [dns.edns.GenericOption(10, b"12345678"), dns.edns.GenericOption(65001, b"x" * 50)]
    answer = client.ask("example.test", "SOA", use_edns=0, options=options)
    assert answer.rcode() == dns.rcode.NOERROR
    assert not answer.options


def test_edns_version_that_is_not_known(client: Client) -> None:
    answer = client.ask("example.test", "SOA", use_edns=1)
    assert answer.rcode() == dns.rcode.BADVERS
    assert answer.edns == 0
    assert not answer.answer


def test_edns_in_errors(client: Client) -> None:
    answer = client.ask("example.net", use_edns=0)
    assert answer.rcode() == dns.rcode.REFUSED
    assert answer.edns == 0


def test_many_queries_on_one_connection(client: Client) -> None:
    with client.stream() as stream:
        for number in range(50):
            stream.send(question("www.example.test", identifier=number))
            answer = stream.receive()
            assert answer is not None
            assert dns.message.from_wire(answer).id == number


def test_pipelined_queries_are_answered_in_order(client: Client) -> None:
    kinds = [("example.test", "SOA"), LARGE, ("missing.example.test", "A"), MEDIUM]
    packets = [question(*kinds[number % 4], identifier=number) for number in range(200)]
    with client.stream() as stream:
        stream.send(*packets)
        for number in range(200):
            answer = stream.receive()
            assert answer is not None
            message = dns.message.from_wire(answer)
            assert message.id == number
            assert str(message.question[0].name) == f"{kinds[number % 4][0]}."


def test_a_burst_of_any_length_is_answered_to_its_end(client: Client) -> None:
    """The server reads a few buffers a turn; the last of them must not wait for a next turn."""
    packets = [question("example.test", identifier=number) for number in range(400)]
    for count in range(100, 401, 25):
        with client.stream() as stream:
            stream.send(*packets[:count])
            for number in range(count):
                answer = stream.receive()
                assert answer is not None, (count, number)
                assert dns.message.from_wire(answer).id == number


def test_query_in_pieces(client: Client) -> None:
    with client.stream() as stream:
        stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in framed(question("www.example.test")):
            stream.socket.send(bytes([octet]))
            time.sleep(0.005)
        assert stream.receive() is not None


def test_end_of_questions_after_the_last_one(client: Client) -> None:
    with client.stream() as stream:
        stream.send(question("example.test"), question(*LARGE))
        stream.socket.shutdown(socket.SHUT_WR)
        assert stream.receive() is not None
        assert stream.receive() is not None
        assert stream.receive() is None


def test_answers_that_are_not_taken_do_not_stop_others(client: Client) -> None:
    """A peer that asks for more than it reads fills its window; the others are served all along."""
    packets = [question(*LARGE, identifier=number) for number in range(2000)]
    with client.stream() as stream:
        stream.socket.settimeout(0)
        wanted = b"".join(framed(packet) for packet in packets)
        sent = 0
        idle_since = time.monotonic()
        while sent < len(wanted) and time.monotonic() - idle_since < SILENCE:
            try:
                sent += stream.socket.send(wanted[sent:])
                idle_since = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
        assert client.ask("example.test", "SOA", tcp=True).answer
        assert client.ask("example.test", "SOA").answer
        # Then it reads: every answer to a whole query is there, in order and unbroken.
        stream.socket.settimeout(WAIT)
        for number in range(sent // len(framed(packets[0]))):
            answer = stream.receive()
            assert answer is not None
            assert struct.unpack(">H", answer[:2])[0] == number
            assert len(answer) > 1232


def test_many_connections_at_once(client: Client) -> None:
    with ExitStack() as stack:
        opened = [answered(stack, client) for _ in range(24)]
        for number, stream in enumerate(opened):
            stream.send(question("example.test", identifier=number))
        for number, stream in enumerate(opened):
            answer = stream.receive()
            assert answer is not None
            assert dns.message.from_wire(answer).id == number


def test_more_connections_than_places(client: Client) -> None:
    """The connection idle for longest makes room for a new one."""
    with ExitStack() as stack:
        opened = [answered(stack, client) for _ in range(40)]
        assert opened[0].receive() is None
        opened[-1].send(question("example.test"))
        assert opened[-1].receive() is not None


def test_idle_connections_are_closed(client: Client) -> None:
    with client.stream() as stream:
        stream.socket.settimeout(20)
        start = time.monotonic()
        # A piece of a query now and then does not keep the connection.
        stream.socket.sendall(b"\0")
        assert stream.receive() is None
        assert 5 < time.monotonic() - start < 18


@pytest.mark.parametrize("length", [1233, 65535])
def test_long_query_ends_its_connection(client: Client, length: int) -> None:
    with client.stream() as stream:
        try:
            stream.socket.sendall(struct.pack(">H", length) + bytes(length))
        except (BrokenPipeError, ConnectionResetError):
            return
        assert stream.receive() is None
