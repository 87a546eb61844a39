"""What each question of the example zone is answered."""

from __future__ import annotations

from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import pytest
from services.dns.client import Client

RECORDS = [
    (
        "example.test",
        "SOA",
        ["ns1.example.test. hostmaster.example.test. 2024010101 7200 900 1209600 300"],
    ),
    ("example.test", "NS", ["ns1.example.test.", "ns2.example.test."]),
    ("example.test", "MX", ["10 mail.example.test.", "20 mail.example.net."]),
    ("example.test", "TXT", ['"v=spf1 mx -all" "second string"']),
    (
        "example.test",
        "CAA",
        ['0 issue "ca.example.net"', '128 iodef "mailto:security@example.test"'],
    ),
    ("example.test", "A", ["192.0.2.80"]),
    ("example.test", "AAAA", ["2001:db8::80"]),
    ("elsewhere.example.test", "CNAME", ["www.example.net."]),
    (
        "_sip._tcp.example.test",
        "SRV",
        ["10 60 5060 sip1.example.test.", "20 0 5061 sip2.example.net."],
    ),
    ("4.2.0.192.example.test", "PTR", ["host.example.test."]),
    ("key.example.test", "SSHFP", ["1 1 0123456789abcdef0123456789abcdef01234567"]),
    ("dot\\.ted.example.test", "TXT", ['"quote \\" backslash \\\\ decimal A"']),
    ("many.example.test", "A", [f"192.0.2.{number}" for number in range(10, 14)]),
    ("fixed.dynamic.example.test", "A", ["192.0.2.101"]),
    ("*.dynamic.example.test", "A", ["192.0.2.100"]),
]


def texts(section: Any) -> list[tuple[str, str, list[str]]]:
    """A section as (name, type, data) in the order of the wire."""
    return [
        (
            str(rrset.name),
            dns.rdatatype.to_text(rrset.rdtype),
            [record.to_text() for record in rrset],
        )
        for rrset in section
    ]


def is_authoritative(answer: Any) -> bool:
    return bool(answer.flags & dns.flags.AA)


def assert_negative(answer: Any, rcode: int) -> None:
    """No records, and the SOA with the time that this may be believed."""
    assert answer.rcode() == rcode
    assert is_authoritative(answer)
    (soa,) = answer.authority
    assert (str(soa.name), soa.rdtype, soa.ttl) == ("example.test.", dns.rdatatype.SOA, 300)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize(("name", "kind", "data"), RECORDS)
def test_records(client: Client, name: str, kind: str, data: list[str], *, tcp: bool) -> None:
    answer = client.ask(name, kind, tcp=tcp)
    assert answer.rcode() == dns.rcode.NOERROR
    assert is_authoritative(answer)
    assert not answer.flags & (dns.flags.RA | dns.flags.TC | dns.flags.AD)
    assert texts(answer.answer) == [(f"{name}.", kind, data)]
    assert not answer.authority


def test_ttl_of_the_record_and_of_the_zone(client: Client) -> None:
    assert client.ask("www.example.test", "CNAME").answer[0].ttl == 300
    assert client.ask("mail.example.test").answer[0].ttl == 3600


@pytest.mark.parametrize(
    ("name", "kind", "additional"),
    [
        ("example.test", "MX", [("mail.example.test.", "A", ["192.0.2.25"])]),
        (
            "example.test",
            "NS",
            [
                ("ns1.example.test.", "A", ["192.0.2.1"]),
                ("ns1.example.test.", "AAAA", ["2001:db8::1"]),
                ("ns2.example.test.", "A", ["192.0.2.2"]),
            ],
        ),
        ("_sip._tcp.example.test", "SRV", [("sip1.example.test.", "A", ["192.0.2.60"])]),
        ("example.test", "TXT", []),
    ],
)
def test_additional_addresses(client: Client, name: str, kind: str, additional: list[Any]) -> None:
    assert texts(client.ask(name, kind).additional) == additional


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("missing.example.test", "A"),
        ("a.b.c.missing.example.test", "TXT"),
        ("below.mail.example.test", "A"),
        ("below.fixed.dynamic.example.test", "A"),
        ("x.*.dynamic.example.test", "A"),
    ],
)
def test_missing_names(client: Client, name: str, kind: str) -> None:
    assert_negative(client.ask(name, kind), dns.rcode.NXDOMAIN)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mail.example.test", "AAAA"),
        ("_tcp.example.test", "A"),
        ("dynamic.example.test", "A"),
        ("anything.dynamic.example.test", "AAAA"),
        ("2.0.192.example.test", "ANY"),
        ("child.example.test", "DS"),
    ],
)
def test_names_without_such_records(client: Client, name: str, kind: str) -> None:
    answer = client.ask(name, kind)
    assert not answer.answer
    assert_negative(answer, dns.rcode.NOERROR)


@pytest.mark.parametrize("name", ["a.dynamic.example.test", "a.b.c.dynamic.example.test"])
def test_wildcard(client: Client, name: str) -> None:
    answer = client.ask(name, "TXT")
    assert is_authoritative(answer)
    assert texts(answer.answer) == [(f"{name}.", "TXT", ['"wild"'])]


def test_wildcard_alias_is_followed(client: Client) -> None:
    assert texts(client.ask("x.moved.example.test").answer) == [
        ("x.moved.example.test.", "CNAME", ["www.example.test."]),
        ("www.example.test.", "CNAME", ["example.test."]),
        ("example.test.", "A", ["192.0.2.80"]),
    ]


def test_alias_chain(client: Client) -> None:
    answer = client.ask("alias.example.test", "AAAA")
    assert is_authoritative(answer)
    assert [kind for _, kind, _ in texts(answer.answer)] == ["CNAME", "CNAME", "AAAA"]


def test_alias_to_a_missing_name(client: Client) -> None:
    answer = client.ask("dangling.example.test")
    assert [kind for _, kind, _ in texts(answer.answer)] == ["CNAME"]
    assert_negative(answer, dns.rcode.NXDOMAIN)


def test_alias_out_of_the_zones(client: Client) -> None:
    answer = client.ask("elsewhere.example.test")
    assert answer.rcode() == dns.rcode.NOERROR
    assert [kind for _, kind, _ in texts(answer.answer)] == ["CNAME"]
    assert not answer.authority


def test_alias_loop_ends(client: Client) -> None:
    answer = client.ask("loop1.example.test")
    assert answer.rcode() == dns.rcode.NOERROR
    assert texts(answer.answer) == [
        ("loop1.example.test.", "CNAME", ["loop2.example.test."]),
        ("loop2.example.test.", "CNAME", ["loop1.example.test."]),
    ]


@pytest.mark.parametrize(
    "name", ["child.example.test", "a.b.child.example.test", "ns.child.example.test"]
)
@pytest.mark.parametrize("kind", ["A", "NS", "TXT"])
def test_referral_with_glue(client: Client, name: str, kind: str) -> None:
    answer = client.ask(name, kind)
    assert answer.rcode() == dns.rcode.NOERROR
    assert not is_authoritative(answer)
    assert not answer.answer
    assert texts(answer.authority) == [
        ("child.example.test.", "NS", ["ns.child.example.test.", "ns.example.net."])
    ]
    assert texts(answer.additional) == [
        ("ns.child.example.test.", "A", ["192.0.2.53"]),
        ("ns.child.example.test.", "AAAA", ["2001:db8::53"]),
    ]


def test_referral_to_servers_elsewhere(client: Client) -> None:
    answer = client.ask("www.other.example.test")
    assert not is_authoritative(answer)
    assert texts(answer.authority) == [("other.example.test.", "NS", ["ns1.example.net."])]
    assert not answer.additional


@pytest.mark.parametrize("name", ["example.net", "test", ".", "notexample.test"])
def test_names_outside_the_zones_are_refused(client: Client, name: str) -> None:
    answer = client.ask(name)
    assert answer.rcode() == dns.rcode.REFUSED
    assert not is_authoritative(answer)
    assert not answer.answer
    assert not answer.authority


def test_any_is_answered_by_one_record(client: Client) -> None:
    answer = client.ask("example.test", "ANY")
    assert texts(answer.answer) == [("example.test.", "HINFO", ['"RFC8482" ""'])]
    answer = client.ask("www.example.test", "ANY")
    assert texts(answer.answer) == [("www.example.test.", "CNAME", ["example.test."])]


@pytest.mark.parametrize("rdclass", ["CH", "HS", "ANY"])
def test_other_classes_are_refused(client: Client, rdclass: str) -> None:
    answer = client.ask("version.bind", "TXT", rdclass=dns.rdataclass.from_text(rdclass))
    assert answer.rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize("kind", ["AXFR", "IXFR"])
def test_zone_transfers_are_refused(client: Client, kind: str) -> None:
    assert client.ask("example.test", kind, tcp=True).rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize("opcode", ["NOTIFY", "UPDATE", "STATUS", "IQUERY"])
def test_other_opcodes_are_not_implemented(client: Client, opcode: str) -> None:
    query = dns.message.make_query("example.test", "SOA", id=4711)
    wire = bytearray(query.to_wire())
    wire[2] |= dns.opcode.from_text(opcode) << 3
    answer = client.datagram(bytes(wire))
    assert answer is not None
    assert answer[:2] == wire[:2]
    assert answer[2] & 0xF8 == 0x80 | wire[2] & 0x78
    assert answer[3] & 0xF == dns.rcode.NOTIMP


def test_case_of_the_question_comes_back(client: Client) -> None:
    name = "WwW.eXaMpLe.TeSt"
    query = dns.message.make_query(name, "A")
    answer = client.datagram(query.to_wire())
    assert answer is not None
    assert b"\x03WwW\x07eXaMpLe\x04TeSt\x00" in answer
    assert [kind for _, kind, _ in texts(client.ask(name).answer)] == ["CNAME", "A"]


def test_case_of_the_zone_is_kept(client: Client) -> None:
    assert client.ask("mixed-case.example.test").rcode() == dns.rcode.NOERROR
    assert "mail.example.test." in client.ask("EXAMPLE.test", "MX").answer[0][0].to_text().lower()


@pytest.mark.parametrize("flag", [dns.flags.RD, dns.flags.CD, 0])
def test_flags_of_the_question_come_back(client: Client, flag: int) -> None:
    query = dns.message.make_query("example.test", "SOA", flags=flag)
    assert client.send(query).flags & (dns.flags.RD | dns.flags.CD) == flag
