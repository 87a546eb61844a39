"""What `unibuild vex` is asked: lists of vulnerabilities in every form, and ranges of versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from verify.vulnerability_lists import OWN, written

from unibuild.model.errors import ErrorGroup, UserError
from unibuild.verify.materials import versions, vulnerabilities
from unibuild.verify.materials.vulnerabilities import Affected

LIBRARY = "pkg:deb/debian/library"

# Versions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "version", "kind", "inside"),
    [
        ("<1.2.2", "1.2.3-1", "deb", False),
        ("<1.2.4", "1.2.3-1", "deb", True),
        (">=1.1|<1.2.2|>=1.2.3|<1.2.4", "1.2.3-1", "deb", True),
        (">=1.1|<1.2.2|>=1.2.4|<1.3", "1.2.3-1", "deb", False),
        ("<1.0|>=1.2", "1.2.3-1", "deb", True),
        ("<=2.1.3", "2.1.3+dfsg1-2", "deb", True),
        ("<2.1.3", "2.1.3+dfsg1-2", "deb", False),
        ("2.1.3", "2.1.3+dfsg1-2", "deb", True),
        ("<2.1.3+dfsg1-3", "2.1.3+dfsg1-2", "deb", True),
        ("<1.36", "1:1.35.0-4+deb12u1", "deb", True),
        ("!=1.2.3", "1.2.3-1", "deb", False),
        ("<2.0rc1", "2.0b3", "pypi", True),
        ("<2.0rc1", "2.0", "pypi", False),
        ("<2.0", "not a version", "pypi", None),
        ("<2", "1", "generic", None),
        ("1|2", "3", "generic", False),
        ("1|2", "", "generic", None),
        ("", "3", "generic", True),
        ("vers:deb/<1.2.2", "1.2.3-1", "deb", False),
        ("*", "1", "deb", True),
        # Two intervals in disorder, or none: not taken for a proof. A tag of upstream's.
        (">=1|>=3|<2|<4", "1.5-1", "deb", None),
        ("<2|<4", "3-1", "deb", None),
        ("v1.2.3", "1.2.3-1", "deb", True),
        ("<v1.2.4", "1.2.3-1", "deb", True),
    ],
)
def test_ranges_of_versions(text: str, version: str, kind: str, inside: bool | None) -> None:
    assert versions.contains(versions.parse(text), version, kind) is inside


@pytest.mark.parametrize("text", ["<", "1.2,<3", "=> 1", "a b", "<1|"])
def test_no_range_of_versions(text: str) -> None:
    with pytest.raises(UserError) as caught:
        versions.parse(text)
    assert caught.value.id == "bad-version-range"


OSV = {
    "id": "EXAMPLE-1",
    "affected": [
        {
            "package": {"ecosystem": "Debian:12", "name": "library", "purl": LIBRARY},
            "ranges": [
                {"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "abc"}]},
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2"}]},
            ],
            "versions": ["0.9"],
            "ecosystem_specific": {"files": ["src/unused.c"]},
        }
    ],
}


def test_our_form_and_that_of_osv_are_read(tmp_path: Path) -> None:
    own = vulnerabilities.read(written(tmp_path / "own.toml", OWN), "own.toml")
    assert own[0].affected == (Affected(LIBRARY, (("=", "1"),), ("src/unused.c",)),)
    assert [one.id for one in own] == ["EXAMPLE-1", "EXAMPLE-2", "EXAMPLE-3"]
    expected = Affected(LIBRARY, (("=", "0.9"), ("<", "2")), ("src/unused.c",))
    for number, form in enumerate((OSV, [OSV], {"vulns": [OSV]})):
        path = written(tmp_path / f"{number}.json", form)
        assert vulnerabilities.read(path, "osv.json")[0].affected == (expected,)
    as_json = {
        "vulnerability": [{"id": "X", "affected": [{"purl": LIBRARY, "functions": ["word"]}]}]
    }
    (found,) = vulnerabilities.read(written(tmp_path / "own.json", as_json), "own.json")
    assert found.affected == (Affected(LIBRARY, (), (), ("word",)),)


@pytest.mark.parametrize(
    ("name", "content", "id_", "words"),
    [
        ("a.toml", "[[vulnerability]]\nid = 3\n", "wrong-type", "must be a string"),
        ("a.toml", '[[vulnerability]]\nid = "X"\n', "missing-attribute", "`affected`"),
        ("a.toml", '[[vulnerability]]\nid = "X"\nfiles = []\n', "unknown-attribute", "`files`"),
        ("a.toml", "[[vulnerability]\n", "bad-toml", "not valid TOML"),
        ("a.toml", OWN.replace(">=0.5|<3", "about 3"), "bad-version-range", "`about 3`"),
        ("a.toml", OWN.replace('"pkg:deb/debian/openssl"', '"openssl"'), "bad-purl", "'openssl'"),
        ("a.json", "{", "bad-json", "not valid JSON"),
        ("a.json", "[1]", "bad-vulnerabilities", "record 1"),
        ("a.json", "{}", "bad-vulnerabilities", "record 1"),
        ("a.json", {**OSV, "affected": 3}, "bad-vulnerabilities", "EXAMPLE-1"),
        ("a.json", {**OSV, "affected": [{"package": {}}]}, "bad-vulnerabilities", "package URL"),
        ("a.json", "[" * 100_000, "bad-json", "JSON"),
        ("a.json", "[{" + '"a":{' * 50_000, "bad-json", "JSON"),
    ],
)
def test_bad_lists_are_one_error_each(
    tmp_path: Path, name: str, content: object, id_: str, words: str
) -> None:
    with pytest.raises((UserError, ErrorGroup)) as caught:
        vulnerabilities.read(written(tmp_path / name, content), name)
    errors = caught.value.errors if isinstance(caught.value, ErrorGroup) else (caught.value,)
    error = next(one for one in errors if one.id == id_)
    assert words in error.cause
    assert error.place is not None
    assert error.place.file == name


def test_a_range_of_commits_is_no_range_of_versions(tmp_path: Path) -> None:
    git = {"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "abc"}]}
    affected = {"package": {"purl": LIBRARY}, "ranges": [git, git], "versions": ["v0.9"]}
    path = tmp_path / "osv.json"
    path.write_text(json.dumps({"id": "X", "affected": [affected]}))
    ((part,),) = [one.affected for one in vulnerabilities.read(path, "osv.json")]
    assert part == Affected(LIBRARY)
