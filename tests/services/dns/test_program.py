"""The command line, and mistakes in zone files: exit status, message and place."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

HEAD = "$ORIGIN t.\n$TTL 60\n@ SOA n h 1 2 3 4 5\n@ NS n\n"


def run(program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, timeout=10
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "dns: error: no zone: give --zone FILE at least once"),
        (["--zone"], "dns: error: this option needs a value: '--zone'"),
        (["--zone", "/missing"], "dns: error: cannot open the zone file: '/missing'"),
        (["--port", "0"], "dns: error: --port takes a number from 1 to 65535: '0'"),
        (["--port", "65536"], "dns: error: --port takes a number from 1 to 65535: '65536'"),
        (["--listen", "localhost"], "dns: error: --listen takes an IPv4 address: 'localhost'"),
        (
            ["--nonsense"],
            (
                "dns: error: unknown argument (known: --listen ADDRESS, --port NUMBER, --check, "
                "--zone FILE): '--nonsense'"
            ),
        ),
    ],
)
def test_wrong_command_line(dns_program: Path, arguments: list[str], message: str) -> None:
    done = run(dns_program, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{message}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "w A 192.0.2\n", "5:5: error: an IPv4 address is expected here: '192.0.2'"),
        (
            HEAD + "$INCLUDE more.zone\n",
            "5:1: error: $INCLUDE is not supported: put the records in this file: '$INCLUDE'",
        ),
        (
            "w A 192.0.2.1\n",
            "1:1: error: a relative name needs $ORIGIN before it, or ends in a dot: 'w'",
        ),
        (HEAD + "w TXT ( a\n", "6:1: error: a parenthesis is still open at the end of the file"),
        (HEAD + "w.u. A 192.0.2.1\n", "5:6: error: the owner is outside the zone: 'A'"),
        (
            HEAD + "w CNAME a\nw A 192.0.2.1\n",
            (
                "6:3: error: a name with a CNAME record has no other records "
                "(RFC 1034 section 3.6.2)"
            ),
        ),
    ],
)
def test_wrong_zone(dns_program: Path, tmp_path: Path, text: str, message: str) -> None:
    zone = tmp_path / "t.zone"
    zone.write_text(text)
    done = run(dns_program, "--check", "--zone", zone)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{zone}:{message}\n")


def test_place_is_in_the_right_file(dns_program: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.zone", tmp_path / "bad.zone"
    good.write_text(HEAD)
    bad.write_text(HEAD.replace("t.", "u.") + "w CNAME a\nw CNAME b\n")
    done = run(dns_program, "--check", "--zone", good, "--zone", bad)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{bad}:6:3: error: a name has one CNAME")


def test_directory_and_unreadable_text(dns_program: Path, tmp_path: Path) -> None:
    done = run(dns_program, "--check", "--zone", tmp_path)
    assert done.returncode == 2
    assert "the file cannot be read" in done.stderr


def test_good_zones_are_taken(dns_program: Path, dns_sources: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.zone"
    other.write_text(HEAD)
    done = run(dns_program, "--check", "--zone", dns_sources / "example.test.zone", "--zone", other)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_taken_port(dns_program: Path, dns_sources: Path) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        zone = dns_sources / "example.test.zone"
        done = run(dns_program, "--listen", "127.0.0.1", "--port", port, "--zone", zone)
    assert done.returncode == 1
    assert done.stderr.startswith("dns: error: cannot open the UDP socket (errno ")
