from __future__ import annotations

from pathlib import Path

import pytest

from unibuild.loading.licenses import check_license
from unibuild.loading.package import load_package
from unibuild.loading.workspace import read_workspace
from unibuild.model.errors import UserError


@pytest.mark.parametrize(
    "text",
    [
        "MIT",
        "LicenseRef-unibuild",
        "MIT AND BSD-2-Clause AND BSD-3-Clause AND SunPro AND ISC",
        "MIT AND (ISC OR GPL-2.0-only WITH Classpath-exception-2.0)",
        "MIT AND LicenseRef-our.own-1",
    ],
)
def test_expressions_of_the_list_are_licences(text: str) -> None:
    assert check_license(text) == text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("mit", "did you mean `MIT`?"),
        ("GPL-2.0", "did you mean `GPL-2.0-only`?"),
        ("GPL-2.0+", "did you mean `GPL-2.0-or-later`?"),
        ("MIT AND BSD-3-Claus", "did you mean `BSD-3-Clause`?"),
        ("MIT and ISC", "write `MIT AND ISC`"),
        ("MIT ISC", "write ids joined by"),
        ("MIT AND", "write ids joined by"),
        ("(MIT", "write ids joined by"),
        ("", "write ids joined by"),
        ("MIT; ls", "write ids joined by"),
        ("qqqqqqqq", "or `LicenseRef-NAME` for a licence"),
    ],
)
def test_other_texts_are_one_error_that_says_what_is_right(text: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        check_license(text)
    assert caught.value.id == "bad-license"
    assert hint in caught.value.hint


def test_a_package_has_its_own_licence_or_that_of_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "WORKSPACE.toml").write_text('name = "sample"\nlicense = "ISC"\n')
    for folder, text in (("own", '[package]\nlicense = "MIT"\n'), ("none", "")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "BUILD.toml").write_text(text)
    workspace = read_workspace(tmp_path)
    assert load_package(workspace, "", "own").license == "MIT"
    assert load_package(workspace, "", "none").license == "ISC"
    assert load_package(workspace, "unibuild", "kernel/thread").license == "LicenseRef-unibuild"


def test_the_licences_of_the_standard_repository_need_no_look_at_the_list() -> None:
    import subprocess
    import sys

    program = (
        "import sys; from unibuild.loading.licenses import check_license as c;"
        "c('MIT AND BSD-2-Clause AND BSD-3-Clause AND SunPro AND ISC');"
        "c('MIT AND Apache-2.0 WITH LLVM-exception'); c('GPL-2.0-only');"
        "sys.exit('license_expression' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("text", ["MIT  AND ISC", "MIT WITH ISC", "AND AND AND", "MIT AND ISC "])
def test_the_short_way_lets_nothing_else_pass(text: str) -> None:
    from unibuild.loading.licenses import _is_ordinary

    assert not _is_ordinary(text)
