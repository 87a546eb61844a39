"""V14: 'code not present' only where the link proves it, and a document that claims more is found."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.command import unibuild
from verify.vulnerability_lists import OWN, written

from unibuild.external.lock import Lock
from unibuild.model.errors import ErrorGroup, UserError
from unibuild.verify.absence_check import _judge
from unibuild.verify.materials import bill as bills
from unibuild.verify.materials import statements, versions, vex, vulnerabilities
from unibuild.verify.materials.absence import (
    NO_CODE,
    NO_COMPONENT,
    NOT_AFFECTED,
    UNKNOWN,
    Contents,
    judge,
)
from unibuild.verify.materials.inclusions import Inclusions, scan
from unibuild.verify.materials.vulnerabilities import Affected

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "image" / "assembler" / "1"
LIBRARY = "pkg:deb/debian/library"


@pytest.fixture
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / "image.manifest.json").read_text())
    return found


@pytest.fixture
def image(manifest: dict[str, Any]) -> Contents:
    return Contents.of(manifest, (GOLDEN / "image.symbols").read_text(), Inclusions({}), {})


# What is proven --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("affected", "status", "justification", "words"),
    [
        # A source whose object was left out, one whose object is there, one that nobody compiled.
        ({"files": ["src/unused.c"]}, NOT_AFFECTED, NO_CODE, "left out unused.o, the object of"),
        (
            {"files": ["src/word.c"]},
            UNKNOWN,
            "",
            "word.o, the object of src/word.c, is in the image",
        ),
        ({"files": ["src/unused.c", "word.c"]}, UNKNOWN, "", "word.o"),
        ({"files": ["src/other.c"]}, UNKNOWN, "", "no object that the linker left out"),
        # A header goes into whatever includes it.
        ({"files": ["src/unused.h"]}, UNKNOWN, "", "the link says nothing of it"),
        # Functions: in an object left out, in the image, dropped from an object that stayed.
        (
            {"functions": ["unused_function"]},
            NOT_AFFECTED,
            NO_CODE,
            "left out unused.o, which defines",
        ),
        ({"functions": ["word"]}, UNKNOWN, "", "word is in the image"),
        ({"functions": ["subtract"]}, UNKNOWN, "", "add.o stayed and may hold copies of it"),
        ({"functions": ["nobody"]}, UNKNOWN, "", "known to define nobody"),
        ({"functions": ["unused_function", "word"]}, UNKNOWN, "", "word is in the image"),
        # The function of a source that is there is not there by itself.
        (
            {"files": ["word.c"], "functions": ["unused_function"]},
            NOT_AFFECTED,
            NO_CODE,
            "unused.o",
        ),
        # Nothing is named; a version outside the range; one inside.
        ({}, UNKNOWN, "", "no file or function is named"),
        ({"range": "<0.9"}, NOT_AFFECTED, NO_COMPONENT, "affected is <0.9"),
        ({"range": "<=1"}, UNKNOWN, "", "no file or function is named"),
        # Packages: one that is not there, one that may be another name of one that is.
        ({"purl": "pkg:deb/debian/openssl"}, NOT_AFFECTED, NO_COMPONENT, "none of the 4 origins"),
        ({"purl": "pkg:github/someone/library"}, UNKNOWN, "", "may be the same software"),
    ],
)
def test_what_the_link_proves(
    image: Contents, affected: dict[str, Any], status: str, justification: str, words: str
) -> None:
    part = Affected(
        affected.get("purl", LIBRARY),
        versions.parse(affected.get("range", "")),
        tuple(affected.get("files", ())),
        tuple(affected.get("functions", ())),
    )
    found = judge(part, image)
    assert (found.status, found.justification) == (status, justification)
    assert words in found.words


def test_a_component_of_which_nothing_was_taken_is_not_present(manifest: dict[str, Any]) -> None:
    left = copy.deepcopy(manifest)
    left["components"] = [one for one in left["components"] if one["label"] != "//sample:library"]
    found = judge(Affected(LIBRARY), Contents(left, frozenset(), None, {}))
    assert (found.status, found.justification) == (NOT_AFFECTED, NO_COMPONENT)
    assert found.words.endswith("made of pkg:deb/debian/library@1?arch=source and left it out")


def test_nothing_is_called_absent_from_an_image_of_unknown_origin(manifest: dict[str, Any]) -> None:
    manifest["components"][1]["materials"] = []
    found = judge(Affected("pkg:deb/debian/openssl"), Contents(manifest, frozenset(), None, {}))
    assert found.status == UNKNOWN


@pytest.mark.parametrize(
    ("files", "proven", "words"),
    [
        # Nobody includes it; one that was left out too; one that is in the image, in two steps.
        ({"word.c": b'#include "unused.h"\n'}, True, "left out unused.o"),
        ({"other.c": b'#include "unused.c"\n'}, True, "left out unused.o"),
        ({"word.c": b"  # include <src/unused.c>\n"}, False, "word.c includes src/unused.c"),
        (
            {"middle.c": b'#include "unused.c"', "main.c": b'#include "../middle.c"'},
            False,
            "main.c includes src/unused.c",
        ),
        # A header that includes it may be included by anyone.
        ({"all.h": b'#include "unused.c"\n'}, False, "what includes all.h is not known"),
        ({"note.s": b'.include "unused.c"\n'}, False, "note.s includes"),
        ({"word.c": b'// #include "unused.c"\n'}, True, "left out"),
        # The name of a macro, which another file says.
        (
            {"word.c": b"#include HOOK\n", "config.h": b'# define HOOK "src/unused.c"\n'},
            False,
            "word.c includes src/unused.c",
        ),
        ({"word.c": b"#include HOOK\n", "config.h": b'#define HOOK "other.c"\n'}, True, "left out"),
    ],
)
def test_a_source_is_also_where_it_is_included(
    manifest: dict[str, Any], files: dict[str, bytes], proven: bool, words: str
) -> None:
    image = Contents(manifest, frozenset(), scan(files.items()), {})
    found = judge(Affected(LIBRARY, (), ("src/unused.c",)), image)
    assert (found.status == NOT_AFFECTED) is proven
    assert words in found.words


def test_the_function_of_an_included_source_may_have_another_name(manifest: dict[str, Any]) -> None:
    included = scan([("word.c", b'#define unused_function other\n#include "unused.c"\n')])
    found = judge(
        Affected(LIBRARY, (), (), ("unused_function",)),
        Contents(manifest, frozenset(), included, {}),
    )
    assert found.status == UNKNOWN
    assert found.words == "unused_function: word.o is in the image, and word.c includes unused.c"


def test_nothing_is_proven_of_sources_that_nobody_could_read(manifest: dict[str, Any]) -> None:
    found = judge(Affected(LIBRARY, (), ("unused.c",)), Contents(manifest, frozenset(), None, {}))
    assert found.status == UNKNOWN


# Documents -------------------------------------------------------------------------------------


def test_a_document_says_what_is_proven_and_can_be_judged_again(
    image: Contents, manifest: dict[str, Any], tmp_path: Path
) -> None:
    known = vulnerabilities.read(written(tmp_path / "own.toml", OWN), "own.toml")
    stated = statements.state(known, image)
    assert [(one.status, one.justification) for one in stated] == [
        (NOT_AFFECTED, NO_CODE),
        (UNKNOWN, ""),
        (NOT_AFFECTED, NO_CODE),
    ]
    bill = bills.compose(manifest, (GOLDEN / "image.elf").read_bytes(), Lock())
    product = vex.product_of(bill)
    text = vex.openvex(stated, product, "me@example.com", "2026-01-31T12:00:00Z")
    assert text == vex.openvex(stated, product, "me@example.com", "2026-01-31T12:00:00Z")
    check_openvex(json.loads(text))
    other = vex.cyclonedx(stated, bill)
    check_cyclonedx(other)
    for name, document in (("a.json", text), ("b.json", other)):
        back = vex.read(written(tmp_path / name, document), name)
        assert {product.sha256 for product, _ in back} == {bill.hashes.sha256}
        for (_, one), original in zip(back, stated, strict=True):
            assert (one.status, one.words) == (original.status, original.words)
            assert set(one.claims) == set(original.claims)
            assert vex.claims_absence(one) == (original.status == NOT_AFFECTED)
            if original.status == NOT_AFFECTED:
                assert _judge(original, image)[0]


@pytest.mark.parametrize(
    ("claims", "justification", "words"),
    [
        ((f"{LIBRARY}#src/word.c",), NO_CODE, "word.o, the object of src/word.c, is in the image"),
        ((f"{LIBRARY}?function=subtract",), NO_CODE, "may hold copies"),
        ((LIBRARY,), NO_COMPONENT, "no file or function is named"),
        ((f"{LIBRARY}#src/unused.c",), NO_COMPONENT, "is in the image, though without that code"),
        ((f"{LIBRARY}?vers=vers:deb/%3C2",), NO_COMPONENT, "no file or function is named"),
        ((f"{LIBRARY}?vers=vers:deb/%3C",), NO_COMPONENT, "is no range of versions"),
        (("library",), NO_COMPONENT, "cannot be read"),
        ((), NO_CODE, "names no package"),
        ((f"{LIBRARY}#src/unused.c", f"{LIBRARY}?vers=1#word.c"), NO_CODE, "word.o"),
    ],
)
def test_an_unsound_statement_is_found(
    image: Contents, claims: tuple[str, ...], justification: str, words: str
) -> None:
    one = statements.Statement("X", (), NOT_AFFECTED, justification, "", claims)
    proven, why = _judge(one, image)
    assert not proven
    assert words in why


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[]",
        '{"@context": "https://openvex.dev/ns/v0.2.0"}',
        '{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [{}]}',
        '{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [{"vulnerability": "X"}]}',
        '{"@context": "https://openvex.dev/ns/v0.2.0", "statements": 3}',
        '{"bomFormat": "CycloneDX"}',
        '{"bomFormat": "CycloneDX", "metadata": {}, "metadata": {}}',
        "[" * 100_000,
        '{"bomFormat": ',
        '{"bomFormat": NaN}',
        '{"bomFormat": "CycloneDX", "metadata": {"component": {"name": 3}}}',
    ],
)
def test_what_is_no_document_is_one_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(UserError) as caught:
        vex.read(written(tmp_path / "a.json", content), "a.json")
    assert caught.value.id == "bad-vex"


@given(st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["@context", "statements", "vulnerability", "name", "products", "status", "x"]),
    inner | st.just("https://openvex.dev/ns/v0.2.0"))))  # fmt: skip
def test_no_document_gives_another_error(value: Any) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = written(
            Path(folder) / "a.json", value if isinstance(value, (dict, list)) else [value]
        )
        for read in (vex.read, vulnerabilities.read):
            reader: Callable[[Path, str], object] = read
            try:
                reader(path, "a.json")
            except (UserError, ErrorGroup):
                continue


def check_openvex(document: dict[str, Any]) -> None:
    """The rules of OpenVEX 0.2.0 that bear on what we write."""
    assert set(document) == {
        "@context", "@id", "author", "timestamp", "version", "tooling", "statements",
    }  # fmt: skip
    assert document["@context"] == "https://openvex.dev/ns/v0.2.0"
    assert document["version"] == 1
    for one in document["statements"]:
        assert set(one["vulnerability"]) <= {"name", "aliases", "@id", "description"}
        assert one["status"] in {"not_affected", "under_investigation"}
        # One of justification and impact statement, not both.
        assert ("justification" in one) == (one["status"] == "not_affected")
        assert "impact_statement" not in one
        for product in one["products"]:
            assert set(product) <= {"@id", "identifiers", "hashes", "subcomponents"}
            assert set(product["hashes"]) == {"sha-256"}
            for part in product.get("subcomponents", ()):
                assert set(part) == {"@id", "identifiers"}


def check_cyclonedx(text: str) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


# The verbs -------------------------------------------------------------------------------------

KNOWN = """
[[vulnerability]]
id = "EXAMPLE-ICONV"
[[vulnerability.affected]]
purl = "pkg:deb/debian/musl"
files = ["src/locale/iconv.c"]
[[vulnerability]]
id = "EXAMPLE-PRINTF"
[[vulnerability.affected]]
purl = "pkg:deb/debian/musl"
files = ["src/stdio/vfprintf.c"]
[[vulnerability]]
id = "EXAMPLE-LWIP"
[[vulnerability.affected]]
purl = "pkg:deb/debian/lwip"
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("vex") / "workspace"
    return shutil.copytree(ROOT / "image" / "workspace", place)


@pytest.mark.network
def test_vex_of_a_real_image_and_its_check(workspace: Path, tmp_path: Path) -> None:
    known = written(tmp_path / "known.toml", KNOWN)
    out = tmp_path / "image.openvex.json"
    done = unibuild(
        "vex", "//programs:image", "--vulnerabilities", str(known), "-o", str(out), cwd=workspace
    )
    assert done.returncode == 0, done.stderr
    assert "3 statements, 2 proven not affected, 1 under investigation" in done.stderr
    document = json.loads(out.read_text())
    check_openvex(document)
    assert {
        one["vulnerability"]["name"]: one.get("justification") for one in document["statements"]
    } == {
        "EXAMPLE-ICONV": NO_CODE,
        "EXAMPLE-PRINTF": None,
        "EXAMPLE-LWIP": NO_COMPONENT,
    }
    options = ("verify", "//programs:image", "--only", "absent", "--absent")
    assert unibuild(*options, str(out), cwd=workspace).returncode == 0
    # Somebody claims more than the link proves.
    document["statements"][1] |= {"status": "not_affected", "justification": NO_CODE}
    out.write_text(json.dumps(document))
    done = unibuild(*options, str(out), cwd=workspace)
    assert done.returncode == 2
    assert "error[absence-unproven]: EXAMPLE-PRINTF is said to be" in done.stderr
    assert "vfprintf.o, the object of src/stdio/vfprintf.c, is in the image" in done.stderr
    # The document of another image says nothing of this one.
    for one in document["statements"]:
        one["products"][0]["hashes"]["sha-256"] = "0" * 64
    out.write_text(json.dumps(document))
    done = unibuild(*options, str(out), cwd=workspace)
    assert done.returncode == 2
    assert "says nothing of this image" in done.stderr


@pytest.mark.network
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("--vulnerabilities", "missing.toml"),
            "error[missing-file]: there is no file `missing.toml`",
        ),
        (("--vulnerabilities", "known.toml", "--timestamp", "now"), "`now` is no time"),
        ((), "--vulnerabilities"),
    ],
)
def test_bad_usage_is_one_error(workspace: Path, options: tuple[str, ...], words: str) -> None:
    written(workspace / "known.toml", KNOWN)
    done = unibuild("vex", "//programs:image", *options, cwd=workspace)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("error[") == 1
