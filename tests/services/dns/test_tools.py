"""What the field's own tools make of the server."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from services.dns.client import Client

QUERIES = """\
example.test SOA
example.test NS
www.example.test A
mail.example.test A
missing.example.test A
a.dynamic.example.test TXT
x.child.example.test A
_sip._tcp.example.test SRV
"""


def run(program: str, *arguments: str) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dig(client: Client, *arguments: str) -> str:
    where = client.endpoint
    return run("dig", f"@{where.host}", "-p", str(where.port), "+tries=5", *arguments)


def test_dig_short(client: Client) -> None:
    assert dig(client, "+short", "www.example.test").split() == ["example.test.", "192.0.2.80"]


def test_dig_finds_nothing_to_complain_of(client: Client) -> None:
    shown = dig(client, "+norecurse", "example.test", "MX")
    assert "WARNING" not in shown
    assert "status: NOERROR" in shown
    assert "flags: qr aa;" in shown


def test_dig_retries_over_tcp(client: Client) -> None:
    shown = dig(client, "+norecurse", "large.example.test", "TXT")
    assert "Truncated, retrying in TCP mode" in shown
    assert shown.count("large ") == 16


def test_dig_keeps_a_connection_open(client: Client) -> None:
    shown = dig(client, "+tcp", "+keepopen", "+short", "ns1.example.test", "ns2.example.test")
    assert shown.split() == ["192.0.2.1", "192.0.2.2"]


def test_dig_reads_a_version_that_is_not_known(client: Client) -> None:
    assert "status: BADVERS" in dig(client, "+edns=1", "+noednsnegotiation", "example.test")


@pytest.mark.parametrize("mode", ["udp", "tcp"])
def test_dnsperf_loses_nothing(client: Client, tmp_path: Path, mode: str) -> None:
    queries = tmp_path / "queries"
    queries.write_text(QUERIES)
    where = client.endpoint
    shown = run(
        "dnsperf", "-s", where.host, "-p", str(where.port), "-d", str(queries), "-m", mode,
        "-c", "4", "-n", "250", "-q", "40", "-e",
    )  # fmt: skip
    counts = {key: int(value) for key, value in re.findall(r"Queries (\w+):\s+(\d+)", shown)}
    assert counts["sent"] == 2000
    assert counts["completed"] == 2000
    codes = dict(re.findall(r"(\w+) (\d+) \(", shown.split("Response codes:")[1]))
    assert codes == {"NOERROR": "1750", "NXDOMAIN": "250"}
