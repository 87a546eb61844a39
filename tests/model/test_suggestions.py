from __future__ import annotations

from unibuild.model.suggestions import did_you_mean, near_names

RULES = ["cc_binary", "cc_library", "cc_test", "filegroup", "genrule", "kernel_library"]


def test_a_slip_finds_the_name() -> None:
    assert near_names("cc_libary", RULES)[0] == "cc_library"
    assert near_names("genrul", RULES) == ("genrule",)
    assert near_names("FileGroup", RULES) == ("filegroup",)


def test_nothing_near_suggests_nothing() -> None:
    assert near_names("frobnicate", RULES) == ()
    assert near_names("x", RULES) == ()
    assert near_names("genrule", []) == ()
    assert did_you_mean("frobnicate", RULES) == ""


def test_what_is_much_farther_than_the_nearest_is_left_out() -> None:
    assert near_names("//toolchains/zi", ["//toolchains/zig", "//toolchains/lwip"]) == (
        "//toolchains/zig",
    )


def test_at_most_three_are_suggested_and_equals_are_sorted() -> None:
    assert near_names("aaaa", ["aaad", "aaac", "aaab", "aaae"]) == ("aaab", "aaac", "aaad")


def test_the_sentence() -> None:
    assert did_you_mean("genrul", RULES) == "did you mean `genrule`?"
    assert did_you_mean("aaaa", ["aaac", "aaab"]) == "did you mean `aaab` or `aaac`?"
    assert (
        did_you_mean("aaaa", ["aaac", "aaab", "aaad"]) == "did you mean `aaab`, `aaac` or `aaad`?"
    )
