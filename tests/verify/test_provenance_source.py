"""Where a workspace is from: the address without secrets, the commit, and what is not the commit's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.tree import write_tree

from unibuild.model.errors import HostError
from unibuild.verify.attestation.provenance import Source
from unibuild.verify.attestation.version_control import source_of, without_credentials

USER, TOKEN, ADDRESS = "user", "secret-token", "[2001:db8::1]"
REMOTES = {
    "https://git.example.com/team/dns.git": "git+https://git.example.com/team/dns.git",
    f"https://{USER}:secret@git.example.com/dns": "git+https://git.example.com/dns",
    f"https://{TOKEN}@git.example.com:8443/dns": "git+https://git.example.com:8443/dns",
    "https://git.example.com/dns?access_token=secret#secret": "git+https://git.example.com/dns",
    "ssh://git:secret@git.example.com:2222/dns.git": "git+ssh://git@git.example.com:2222/dns.git",
    "git@git.example.com:team/dns.git": "git+ssh://git@git.example.com/team/dns.git",
    "git.example.com:/team/dns.git": "git+ssh://git.example.com/team/dns.git",
    f"https://{ADDRESS}:8443/dns": f"git+https://{ADDRESS}:8443/dns",
    "/srv/git/dns.git": "git+file:///srv/git/dns.git",
    "../dns.git": "git+file:///srv/dns.git",
    "file:///srv/git/my dns.git": "git+file:///srv/git/my%20dns.git",
    "https://git.example.com:port/dns": "",
}


@pytest.mark.parametrize(("url", "shown"), REMOTES.items())
def test_a_remote_is_named_without_its_secrets(url: str, shown: str) -> None:
    found = without_credentials(url, "/srv/dns")
    assert found == shown
    assert "secret" not in found
    Source(uri=found)


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=N", "-c", "user.email=n@example.com",
         "-c", "commit.gpgsign=false", *arguments],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = write_tree(
        tmp_path / "repository",
        {
            "team/WORKSPACE.toml": 'name = "team"\n',
            "team/main.c": "int main;\n",
            "team/other.c": "int other;\n",
            "team/text.txt": "one\ntwo\n",
            ".gitattributes": "*.txt text eol=crlf\n",
            ".gitignore": "ignored.c\n",
        },
    )
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    git(folder, "remote", "add", "origin", f"https://{USER}:secret@git.example.com/team")
    return folder


def source(repository: Path, *names: str) -> Source:
    workspace = repository / "team"
    files = {name: str(workspace / name) for name in names or ("WORKSPACE.toml", "main.c")}
    return source_of(str(workspace), files, [str(workspace)])


def test_a_clean_workspace(repository: Path) -> None:
    found = source(repository)
    assert found == Source(
        uri="git+https://git.example.com/team",
        commit=git(repository, "rev-parse", "HEAD"),
        path="team",
    )


def test_a_workspace_that_is_the_repository(repository: Path) -> None:
    assert source_of(str(repository), {}, []).path == ""


def test_a_changed_file_is_named_whatever_the_index_says(repository: Path) -> None:
    (repository / "team/main.c").write_text("int changed;\n")
    assert source(repository).dirty == ("main.c",)
    git(repository, "update-index", "--assume-unchanged", "team/main.c")
    assert git(repository, "status", "--porcelain") == ""
    assert source(repository).dirty == ("main.c",)
    git(repository, "update-index", "--no-assume-unchanged", "team/main.c")
    git(repository, "add", "team/main.c")
    assert source(repository).dirty == ("main.c",)


def test_a_change_of_what_was_not_read_is_not_named(repository: Path) -> None:
    (repository / "team/other.c").write_text("int changed;\n")
    assert source(repository).dirty == ()


@pytest.mark.parametrize("name", ["new.c", "ignored.c"])
def test_a_file_that_was_never_committed_is_named(repository: Path, name: str) -> None:
    (repository / "team" / name).write_text("int more;\n")
    assert source(repository, "main.c", name).dirty == (name,)


def test_a_deleted_file_that_a_pattern_would_have_matched_is_named(repository: Path) -> None:
    (repository / "team/other.c").unlink()
    assert source(repository).dirty == ("team/other.c",)


def test_a_name_that_is_no_text_is_named_as_well_as_text_can(repository: Path) -> None:
    odd = os.fsencode(repository / "team") + b"/odd\xff.c"
    Path(os.fsdecode(odd)).write_text("int odd;\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "odd")
    Path(os.fsdecode(odd)).unlink()
    assert source(repository).dirty == ("team/odd\ufffd.c",)


def test_what_git_converts_on_checkout_is_the_commits(repository: Path) -> None:
    (repository / "team/text.txt").unlink()
    git(repository, "checkout", "-q", "--", "team/text.txt")
    assert (repository / "team/text.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert source(repository, "text.txt").dirty == ()
    (repository / "team/text.txt").write_bytes(b"one\r\nthree\r\n")
    assert source(repository, "text.txt").dirty == ("text.txt",)


def test_a_link_is_the_commits_when_it_and_its_target_are(repository: Path) -> None:
    link = repository / "team/link.c"
    link.symlink_to("main.c")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "link")
    assert source(repository, "link.c").dirty == ()
    link.unlink()
    link.symlink_to("other.c")
    assert source(repository, "link.c").dirty == ("link.c",)


def test_a_file_of_another_repository_is_not_judged(repository: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.c"
    outside.write_text("int outside;\n")
    found = source_of(str(repository / "team"), {"@other//outside.c": str(outside)}, [])
    assert found.dirty == ()


def test_without_version_control_nothing_is_claimed(tmp_path: Path) -> None:
    assert source_of(str(tmp_path), {}, []) == Source()


def test_without_a_remote_the_commit_is_named_only(repository: Path) -> None:
    git(repository, "remote", "remove", "origin")
    found = source(repository)
    assert (found.uri, len(found.commit)) == ("", 40)
    git(repository, "remote", "add", "upstream", "https://git.example.com/upstream")
    assert source(repository).uri == "git+https://git.example.com/upstream"


def test_a_repository_of_sha256(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "new", {"team/WORKSPACE.toml": "", "team/main.c": "int main;\n"})
    git(folder, "init", "-q", "--object-format=sha256")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    found = source(folder)
    assert (len(found.commit), found.dirty) == (64, ())


def test_a_repository_that_git_cannot_tell_of_is_an_error_not_a_gap(tmp_path: Path) -> None:
    git(write_tree(tmp_path / "empty", {"file": ""}), "init", "-q")
    with pytest.raises(HostError) as caught:
        source_of(str(tmp_path / "empty"), {}, [])
    assert caught.value.id == "no-source-history"


def test_a_surrounding_git_command_is_not_asked(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = source(repository)
    monkeypatch.setenv("GIT_DIR", os.devnull)
    assert source(repository) == expected
