"""Settings, environment and options make one choice; the last of them wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from unibuild.cli.remote import RemoteOptions, check_files, choose, plain_settings
from unibuild.loading.workspace import Workspace, read_workspace
from unibuild.model.errors import UserError
from unibuild.store.remote.settings import Remote

VARIABLE = "NAME"
HEAD = 'name = "w"\n'
ENGINE = '[execution.remote]\nurl = "grpc://engine:1"\njobs = 3\n'
CACHE = '[cache.remote]\nurl = "grpcs://cache.example.test"\n'


def workspace(folder: Path, text: str) -> Workspace:
    (folder / "WORKSPACE.toml").write_text(HEAD + text)
    return read_workspace(folder)


def chosen(folder: Path, text: str, variable: str = "", **options: object) -> Remote | None:
    settings = plain_settings(workspace(folder, text))
    environment = {"UNIBUILD_REMOTE_CACHE": variable} if variable else {}
    asked = RemoteOptions(**options)  # type: ignore[arg-type]
    return choose(settings, str(folder), asked, environment).remote


def test_nothing_named_is_nothing_used(tmp_path: Path) -> None:
    assert chosen(tmp_path, "") is None
    assert plain_settings(workspace(tmp_path, "")) is None


def test_the_last_one_wins(tmp_path: Path) -> None:
    def url(variable: str = "", option: str = "") -> str:
        remote = chosen(tmp_path, CACHE, variable, cache_url=option)
        return remote.cache.url if remote is not None and remote.cache is not None else ""

    assert url() == "grpcs://cache.example.test"
    assert url("grpc://a:1") == "grpc://a:1"
    assert url("grpc://a:1", "grpc://b:2") == "grpc://b:2"
    assert url("off") == ""
    assert url("off", "grpc://b:2") == "grpc://b:2"


def test_another_server_sees_no_credentials(tmp_path: Path) -> None:
    table = f'{CACHE}token_variable = "NAME"\nheaders = {{ X-Team = "blue" }}\ntimeout = 5\n'
    own = chosen(tmp_path, table, "grpcs://cache.example.test")
    assert own is not None
    assert own.cache is not None
    assert own.cache.token_variable == VARIABLE
    assert own.cache.headers == (("x-team", "blue"),)
    other = chosen(tmp_path, table, "grpc://127.0.0.1:1")
    assert other is not None
    assert other.cache is not None
    assert (other.cache.token_variable, other.cache.headers, other.cache.timeout) == ("", (), 5)


def test_a_table_without_a_url_is_for_whichever_is_named(tmp_path: Path) -> None:
    table = '[cache.remote]\ntoken_variable = "NAME"\n'
    assert chosen(tmp_path, table) is None
    remote = chosen(tmp_path, table, "grpc://127.0.0.1:1")
    assert remote is not None
    assert remote.cache is not None
    assert remote.cache.token_variable == VARIABLE


def test_paths_are_from_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home-of-somebody")
    table = f'{CACHE}ca = "ca.pem"\ncredential_helper = "tools/helper"\nsigning_key = "~/k.pem"\n'
    remote = chosen(tmp_path, table)
    assert remote is not None
    assert remote.cache is not None
    assert remote.cache.ca == f"{tmp_path}/ca.pem"
    assert remote.cache.credential_helper == f"{tmp_path}/tools/helper"
    assert remote.signing_key == "/home-of-somebody/k.pem"
    with pytest.raises(UserError) as caught:
        check_files(workspace(tmp_path, table), remote)
    assert caught.value.id == "missing-file"
    assert caught.value.place is not None
    assert caught.value.place.line == 4


def test_uploads(tmp_path: Path) -> None:
    def upload(table: str, option: bool | None = None) -> bool:
        remote = chosen(tmp_path, table, upload=option)
        assert remote is not None
        return remote.upload

    assert not upload(CACHE)
    assert upload(CACHE, option=True)
    assert upload(f"{CACHE}upload = true\n")
    assert not upload(f"{CACHE}upload = true\n", option=False)
    with pytest.raises(UserError, match="read only"):
        upload('[cache.remote]\nurl = "https://example.test/x"\n', option=True)


def test_remote_execution_goes_where_it_is_told_to(tmp_path: Path) -> None:
    remote = chosen(tmp_path, CACHE, where="remote")
    assert remote is not None
    assert remote.execution == remote.cache
    remote = chosen(tmp_path, CACHE + ENGINE, where="auto")
    assert remote is not None
    assert remote.execution is not None
    assert (remote.execution.url, remote.execution.setting) == (
        "grpc://engine:1",
        "execution.remote",
    )
    assert remote.jobs == 3
    only = chosen(tmp_path, ENGINE, where="remote")
    assert only is not None
    assert only.cache is None
    local = chosen(tmp_path, CACHE + ENGINE)
    assert local is not None
    assert local.execution is None


@pytest.mark.parametrize(
    ("table", "options", "identifier"),
    [
        ("", {"mode": "required"}, "no-remote-cache"),
        ("", {"upload": True}, "no-remote-cache"),
        (ENGINE, {"upload": True, "where": "remote"}, "no-remote-cache"),
        ("", {"where": "remote"}, "no-remote-execution"),
        (
            '[cache.remote]\nurl = "https://example.test/x"\n',
            {"where": "auto"},
            "no-remote-execution",
        ),
        (CACHE, {"mode": "off", "where": "remote"}, "bad-usage"),
        (CACHE, {"cache_url": "cache:1"}, "bad-url"),
        (CACHE, {"cache_url": "grpcs://user:pass@h"}, "bad-url"),
    ],
)
def test_what_cannot_be(
    tmp_path: Path, table: str, options: dict[str, object], identifier: str
) -> None:
    with pytest.raises(UserError) as caught:
        chosen(tmp_path, table, **options)
    assert caught.value.id == identifier
    assert caught.value.hint
    assert "pass@" not in str(caught.value)
