from __future__ import annotations

from pathlib import Path

from support.types import Run


def test_makes_a_workspace_in_an_empty_folder(run: Run, tmp_path: Path) -> None:
    result = run("new", "services/greeter")
    assert result.returncode == 0
    assert result.stdout == "//services/greeter:image\n"
    assert (tmp_path / "WORKSPACE.toml").is_file()
    assert {path.name for path in (tmp_path / "services/greeter").iterdir()} == {
        "BUILD.toml",
        "main.c",
    }


def test_never_writes_over_a_package(run: Run, tmp_path: Path) -> None:
    assert run("new", "greeter").returncode == 0
    (tmp_path / "greeter/main.c").write_text("mine\n")
    result = run("new", "greeter")
    assert result.returncode == 2
    assert result.stderr.startswith("error[package-exists]:")
    assert (tmp_path / "greeter/main.c").read_text() == "mine\n"


def test_label_is_relative_to_the_workspace_not_the_folder(run: Run, tmp_path: Path) -> None:
    assert run("new", "first").returncode == 0
    below = tmp_path / "services"
    below.mkdir()
    assert run("new", "second", cwd=below).stdout == "//services/second:image\n"


def test_refuses_paths_that_leave(run: Run) -> None:
    for name in ("../out", "/absolute", "a b", "."):
        result = run("new", name)
        assert result.returncode == 2, name
        assert result.stderr.startswith("error[bad-package-name]:"), name


def test_refuses_a_full_folder_outside_a_workspace(run: Run, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear reader\n")
    result = run("new", "greeter")
    assert result.returncode == 2
    assert result.stderr.startswith("error[no-workspace]:")


def test_a_new_git_repository_is_an_empty_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert run("new", "greeter", "--lang", "c").returncode == 0
    assert (tmp_path / "WORKSPACE.toml").is_file()


def test_a_program_in_go(run: Run, tmp_path: Path) -> None:
    assert run("new", "greeter", "--lang", "go").returncode == 0
    assert {path.name for path in (tmp_path / "greeter").iterdir()} == {
        "BUILD.toml",
        "go.mod",
        "main.go",
    }
    tested = run("test", "//greeter:all")
    assert "1 test passed" in tested.stderr, tested.stderr
