from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibuild.external.purl import Purl, parse, split_file
from unibuild.model.errors import UserError


@pytest.mark.parametrize(
    "text",
    [
        "pkg:pypi/ziglang@0.17.1",
        "pkg:deb/debian/musl@1.2.3-1?arch=source",
        "pkg:deb/debian/lwip@2.1.3+dfsg1-2?arch=source",
        "pkg:deb/debian/busybox-static@1:1.35.0-4+deb12u1+b1?arch=amd64",
        "pkg:deb/ubuntu/curl@8.5.0-2~exp1?arch=amd64&distro=noble",
    ],
)
def test_canonical_form_is_kept(text: str) -> None:
    assert str(parse(text)) == text


def test_equal_spellings_have_one_canonical_form() -> None:
    assert str(parse("pkg:PyPI/Zig_Lang@1.0")) == "pkg:pypi/zig-lang@1.0"
    encoded = parse("pkg:deb/debian/lwip@2.1.3%2Bdfsg1-2?arch=source")
    assert str(encoded) == "pkg:deb/debian/lwip@2.1.3+dfsg1-2?arch=source"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ziglang==0.17.1", "no package URL"),
        ("pkg:npm/left-pad@1.0.0", "type 'npm'"),
        ("pkg:pypi/ziglang", "no version"),
        ("pkg:deb/musl@1.2.3-1?arch=source", "no distribution"),
        ("pkg:deb/debian/musl@1.2.3-1", "no architecture"),
        ("pkg:pypi/ziglang@1.0?arch=amd64", "unknown qualifier 'arch'"),
        ("pkg:pypi/ziglang@1.0#file", "names a file"),
    ],
)
def test_mistakes_are_told(text: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(text)
    assert caught.value.id == "bad-purl"
    assert words in caught.value.cause
    assert caught.value.hint


@given(st.text(max_size=60))
def test_any_text_is_a_purl_or_a_user_error(text: str) -> None:
    try:
        purl = parse("pkg:" + text)
    except UserError:
        return
    assert parse(str(purl)) == purl


def test_a_file_is_split_off() -> None:
    assert split_file("pkg:pypi/a@1#b") == ("pkg:pypi/a@1", "b")
    assert split_file("pkg:pypi/a@1") == ("pkg:pypi/a@1", "")


def test_with_version_changes_only_the_version() -> None:
    purl = parse("pkg:deb/debian/musl@1.2.3-1?arch=source")
    assert purl.with_version("2") == Purl("deb", "debian", "musl", "2", (("arch", "source"),))
