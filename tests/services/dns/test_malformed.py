"""Broken packets: FORMERR or silence, and the server goes on."""

from __future__ import annotations

import random
from pathlib import Path

import dns.message
import dns.rcode
import pytest
from services.dns.client import SILENCE, Client, question

CORPUS = Path(__file__).parents[3] / "examples/services/dns/tests/corpus/packets"
PACKETS = sorted(CORPUS.glob("*.bin"))
REPEATED = question("www.example.test")


def is_silent(packet: bytes) -> bool:
    """Too short for a header, or an answer itself."""
    return len(packet) < 12 or packet[2] & 0x80 != 0


@pytest.mark.parametrize("path", PACKETS, ids=lambda path: path.stem)
def test_corpus_over_udp(client: Client, path: Path) -> None:
    packet = path.read_bytes()
    answer = client.datagram(packet, *([SILENCE] if is_silent(packet) else []))
    if is_silent(packet):
        assert answer is None
    else:
        assert answer is not None
        assert answer[:2] == packet[:2]
        assert answer[2] & 0x80
        dns.message.from_wire(answer)


def test_corpus_on_one_connection(client: Client) -> None:
    """Each packet gets its answer or none; the connection stays in step."""
    with client.stream() as stream:
        for path in PACKETS:
            packet = path.read_bytes()
            stream.send(packet)
            if not is_silent(packet):
                answer = stream.receive()
                assert answer is not None, path.stem
                assert answer[:2] == packet[:2], path.stem


@pytest.mark.parametrize(
    "name",
    [
        "pointer_loop",
        "pointer_forward",
        "pointer_into_header",
        "label_64",
        "label_overruns",
        "name_256",
        "labels_128",
        "name_without_end",
        "question_cut",
        "question_count_lies",
        "additional_count_lies",
        "two_questions",
        "header_no_question",
        "answer_in_query",
        "trailing_octet",
        "edns_twice",
        "edns_not_root",
        "edns_option_overruns",
        "edns_data_overruns",
        "type_zero",
        "type_opt",
    ],
)
def test_malformed_gets_formerr(client: Client, name: str) -> None:
    answer = client.datagram((CORPUS / f"{name}.bin").read_bytes())
    assert answer is not None
    assert answer[3] & 0xF == dns.rcode.FORMERR


def test_datagram_longer_than_the_server_takes(client: Client) -> None:
    answer = client.datagram(REPEATED + bytes(1300))
    assert answer is not None
    assert answer[3] & 0xF == dns.rcode.FORMERR


def test_random_packets(client: Client) -> None:
    """A burst of noise, some of it near a real query, then a question that is answered."""
    noise = random.Random(1)
    for number in range(500):
        packet = bytearray(REPEATED)
        for _ in range(noise.randrange(1, 6)):
            packet[noise.randrange(len(packet))] = noise.randrange(256)
        packet = packet[: noise.randrange(len(packet) + 1)] if number % 3 == 0 else packet
        client.datagram(bytes(packet), wait=0.0001)
    assert client.ask("example.test", "SOA").answer
    assert client.ask("example.test", "SOA", tcp=True).answer
