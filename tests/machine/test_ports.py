from __future__ import annotations

import os
import socket

import pytest

from unibuild.machine.ports import PortForward, claim, parse_forward, remarks
from unibuild.model.errors import HostError, UserError


@pytest.mark.parametrize(
    ("text", "forward"),
    [
        ("8080:80", PortForward(8080, 80)),
        ("8053:53/udp", PortForward(8053, 53, "udp")),
        ("0.0.0.0:8053:53/tcp", PortForward(8053, 53, "tcp", "0.0.0.0")),  # noqa: S104
    ],
)
def test_forms(text: str, forward: PortForward) -> None:
    assert parse_forward(text) == forward


@pytest.mark.parametrize("text", ["", "80", "a:b", "1:2/sctp", "70000:1", "1:0", "1:2:3:4", "1:2/"])
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_forward(text)
    assert caught.value.id == "bad-port"


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_taken_port_names_its_holder(protocol: str) -> None:
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", 0))
        if protocol == "tcp":
            holder.listen()
        number = holder.getsockname()[1]
        with pytest.raises(HostError) as caught:
            claim((PortForward(number, 80, protocol),))
    assert caught.value.id == "port-taken"
    assert f"process {os.getpid()} (" in caught.value.cause
    assert f":80/{protocol}" in caught.value.hint


def test_port_0_takes_the_same_free_port_for_both_protocols() -> None:
    first, second = claim((PortForward(0, 53, "udp"), PortForward(0, 53, "tcp")))
    assert first.host == second.host > 0


def test_an_address_that_is_not_ours() -> None:
    with pytest.raises(HostError) as caught:
        claim((PortForward(0, 80, "tcp", "192.0.2.1"),))
    assert caught.value.id == "port-unusable"


@pytest.mark.parametrize(
    ("declared", "asked", "said"),
    [
        ((), ("80:80",), []),
        ((8080,), ("0:8080",), []),
        ((8080,), (), ["the image listens on 8080/tcp; to reach it: -p 8080:8080"]),
        (("53/udp", "53/tcp"), (), ["the image listens on 53/udp and 53/tcp; to reach it: -p 8053:53/udp"]),
        (
            ("53/udp",),
            ("1053:53", "1053:53/udp"),
            ["1053:53/tcp leads to a port on which the image does not listen: its ports are 53/udp"],
        ),
    ],
)  # fmt: skip
def test_what_is_said_of_declared_ports(
    declared: tuple[int | str, ...], asked: tuple[str, ...], said: list[str]
) -> None:
    assert remarks(declared, [parse_forward(one) for one in asked]) == said
