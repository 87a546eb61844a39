"""Who made a result, who may ask, and what a server keeps on a failing disk."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from faults.conftest import Join
from faults.teamwork import Client, is_right
from support import servers
from support.fault_proxy import Fault, calls

from unibuild.store.protobuf import fields, message, number
from unibuild.store.reapi import decode_action_result

SECRET = "s3cr3t-of-the-team"  # noqa: S105 - it must appear nowhere


def objects(server: servers.Server) -> list[Path]:
    """Return the files in which casd keeps blobs."""
    found = list((server.folder / "store/cas/objects").glob("??/*"))
    assert found
    return found


@pytest.mark.parametrize("how", ["a bit", "shorter", "longer", "gone"])
def test_a_blob_corrupted_on_the_servers_disk(server: servers.Server, join: Join, how: str) -> None:
    first = join()
    first.configure(server.url, upload=True)
    is_right(first, first.build(), warnings=0)
    for path in objects(server):
        path.chmod(0o644)
        data = path.read_bytes()
        spoilt = {
            "a bit": data[:-1] + bytes((data[-1] ^ 4,)) if data else data,
            "shorter": data[:-1],
            "longer": data + b"!",
        }
        if how == "gone":
            path.unlink()
        else:
            path.write_bytes(spoilt[how])
    client = join()
    client.configure(server.url)
    done = client.build()
    is_right(client, done, warnings=0 if how == "gone" else None)
    if how != "longer":  # casd gives as much of a blob as it should have, which is right then
        assert "0 B downloaded" in done.err or "downloaded" not in done.err
    # And who finds its own results spoilt there goes on, and can still publish.
    first.forget()
    is_right(first, first.build(), warnings=0)


def key_of(client: Client) -> str:
    """Return the public key with which a member signs."""
    done = client.run("cache", "key")
    assert done.code == 0, done.err
    return done.out.split()[0]


def unsigned(reply: bytes) -> bytes:
    """Take the metadata (field 9), which holds the signature, out of a result."""
    parts = []
    for field, value in fields(reply):
        if field != 9:
            parts.append(number(field, value) if isinstance(value, int) else message(field, value))
    return b"".join(parts)


def altered(reply: bytes) -> bytes:
    """Leave the signature, and say that the action printed something."""
    return reply + message(5, b"printed by nobody\n")


def test_only_results_of_the_keys_demanded_are_taken(
    server: servers.Server, join: Join, tmp_path: Path
) -> None:
    maker = join()
    maker.environment["XDG_CONFIG_HOME"] = str(tmp_path / "maker")
    maker.configure(server.url, upload=True)
    is_right(maker, maker.build(), warnings=0)
    stranger = join()
    stranger.environment["XDG_CONFIG_HOME"] = str(tmp_path / "stranger")
    keys = {"maker": key_of(maker), "stranger": key_of(stranger)}
    assert keys["maker"] != keys["stranger"]
    with calls(server.url) as proxy:
        cases = [
            ("maker", None, ": 0 executed"),
            ("stranger", None, "14 executed"),
            ("maker", Fault(rewrite=unsigned), "14 executed"),
            ("maker", Fault(rewrite=altered), "14 executed"),
        ]
        for name, fault, outcome in cases:
            client = join()
            client.configure(proxy.url, require_signed=[keys[name]])
            proxy.faults = {"GetActionResult": fault} if fault else {}
            done = client.build()
            is_right(client, done, warnings=None)
            assert outcome in done.err, (name, done.err)
            assert "printed by nobody" not in done.err


def test_what_others_made_is_never_passed_on_as_our_own(
    server: servers.Server, join: Join, tmp_path: Path
) -> None:
    maker = join()
    maker.environment["XDG_CONFIG_HOME"] = str(tmp_path / "maker")
    maker.configure(server.url, upload=True)
    is_right(maker, maker.build(), warnings=0)
    between = join()
    between.environment["XDG_CONFIG_HOME"] = str(tmp_path / "between")
    between.configure(server.url, upload=True)
    assert ": 0 executed" in between.build("--download=all").err
    pushed = between.run("cache", "push", "//:whole", f"--to=file://{tmp_path}/bucket")
    assert pushed.code == 0, pushed.err
    assert between.run("cache", "push", "//:whole").code == 0
    # Its signature is on nothing, and the maker's is still on what the server had.
    for url, key, outcome in [
        (f"file://{tmp_path}/bucket", key_of(between), "14 executed"),
        (server.url, key_of(maker), ": 0 executed"),
    ]:
        client = join()
        client.configure(url, require_signed=[key])
        done = client.build()
        is_right(client, done, warnings=0)
        assert outcome in done.err, done.err
    # Who comes to demand signatures no longer believes what came without.
    between.configure(server.url, require_signed=[key_of(between)])
    assert "14 executed" in between.build().err


HELPER = """\
#!/bin/sh
cat > /dev/null
echo asked >> {count}
printf '{{"headers": {{"Authorization": ["Bearer {secret}-%d"]}}}}' "$({number})"
"""


def helper_in(folder: Path, *, same: bool = False) -> Path:
    """Return a program that gives a new token each time, or the ``same``."""
    path = folder / "helper"
    count = folder / "asked"
    number = "echo 1" if same else f"wc -l < {count}"
    path.write_text(HELPER.format(count=count, secret=SECRET, number=number), encoding="ascii")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("method", ["GetCapabilities", "GetActionResult", "Read"])
def test_a_token_that_expires_is_asked_for_again(
    filled: servers.Server, join: Join, tmp_path: Path, method: str
) -> None:
    client = join()
    with calls(filled.url) as proxy:
        client.configure(proxy.url, credential_helper=str(helper_in(tmp_path)))
        proxy.faults[method] = Fault(status="UNAUTHENTICATED", detail=f"{SECRET}-1?", times=1)
        done = client.build()
        tokens = {seen.headers.get("authorization") for seen in proxy.seen}
    is_right(client, done, warnings=0)
    assert ": 0 executed" in done.err
    assert tokens == {f"Bearer {SECRET}-1", f"Bearer {SECRET}-2"}
    assert SECRET not in done.err + done.out


def test_a_token_that_is_never_accepted_is_told_once(
    filled: servers.Server, join: Join, tmp_path: Path
) -> None:
    client = join()
    with calls(filled.url) as proxy:
        client.configure(proxy.url, credential_helper=str(helper_in(tmp_path, same=True)))
        proxy.faults["*"] = Fault(status="UNAUTHENTICATED", detail=f"not Bearer {SECRET}-1")
        done = client.build()
        is_right(client, done, warnings=1)
        assert SECRET not in done.err + done.out
        assert len((tmp_path / "asked").read_text(encoding="ascii").split()) <= 6
        client.edit("again\n")
        done = client.build("--remote=required")
        assert done.code == 3, done.err
        assert len(done.errors) == 1
        assert SECRET not in done.err + done.out
        done = client.build("--remote=required", "--debug")
        assert "Traceback" in done.err
        assert SECRET not in done.err + done.out


def test_an_expired_token_of_a_server_that_checks(join: Join, tmp_path: Path) -> None:
    with servers.buildgrid(tmp_path / "server", tokens=True) as server:
        client = join()
        client.configure(server.url, upload=True, token_variable="TEAM_TOKEN")  # noqa: S106
        expired = servers.token_for(server.folder, "ci", seconds=-60)
        client.environment["TEAM_TOKEN"] = expired
        done = client.build()
        is_right(client, done, warnings=1)
        assert expired not in done.err + done.out
        assert "TEAM_TOKEN" in done.err
        client.edit("with a good one\n")
        client.environment["TEAM_TOKEN"] = server.token
        is_right(client, client.build(), warnings=0)
        reader = join("with a good one\n")
        reader.configure(server.url, token_variable="TEAM_TOKEN")  # noqa: S106
        reader.environment["TEAM_TOKEN"] = servers.token_for(server.folder, "developer")
        done = reader.build()
        is_right(reader, done, warnings=0)
        assert "13 remote" in done.err
        reader.configure(server.url, upload=True, token_variable="TEAM_TOKEN")  # noqa: S106
        reader.edit("but it may not write\n")
        done = reader.build()
        is_right(reader, done, warnings=1)
        assert "upload = false" in done.err


def test_two_members_publish_the_same_at_once(server: servers.Server, join: Join) -> None:
    members = [join("together\n") for _ in range(3)]
    for member in members:
        member.configure(server.url, upload=True)
    builds = [member.start() for member in members]
    for member, build in zip(members, builds, strict=True):
        _, errors = build.communicate(timeout=60)
        assert build.returncode == 0, errors
        assert "warning" not in errors
        assert "Traceback" not in errors
        assert member.outputs() == members[0].outputs()
    last = join("together\n")
    last.configure(server.url)
    done = last.build()
    is_right(last, done, warnings=0)
    assert ": 0 executed" in done.err


def test_two_workspaces_of_one_cache_at_once(filled: servers.Server, join: Join) -> None:
    members = [join(), join()]
    members[1].cache = members[0].cache
    for member in members:
        member.configure(filled.url)
    builds = [member.start() for member in members]
    for build in builds:
        _, errors = build.communicate(timeout=60)
        assert build.returncode == 0, errors
        assert "warning" not in errors
    time.sleep(0.1)
    for member in members:
        is_right(member, member.build(), warnings=0)


def test_the_proxy_sees_results_as_they_are(server: servers.Server, join: Join) -> None:
    client = join()
    kept: list[bytes] = []

    def keep(request: bytes) -> bytes:
        result = dict(fields(request))[3]
        assert isinstance(result, bytes)
        kept.append(result)
        return request

    with calls(server.url) as proxy:
        proxy.faults["UpdateActionResult"] = Fault(rewrite_request=keep)
        client.configure(proxy.url, upload=True)
        is_right(client, client.build(), warnings=0)
    assert len(kept) >= 14
    for result in kept:
        assert unsigned(result) != result, "every result carries who made it"
        assert decode_action_result(result).exit_code == 0
