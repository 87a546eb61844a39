"""V4: an action that follows one thing of its surroundings is named with exactly that variation."""

from __future__ import annotations

import pytest
from verify.leaks import (
    IN_THE_SANDBOX,
    WITHOUT_A_SANDBOX,
    Make,
    among_others,
    by_genrule,
    check_named,
    skip_lacking,
)

from unibuild.verify import varied


@pytest.mark.parametrize("name", IN_THE_SANDBOX)
def test_an_action_in_the_sandbox_is_named_with_what_it_saw(name: str, small: Make) -> None:
    bench = by_genrule(small, IN_THE_SANDBOX[name]).bench("//:leak")
    skip_lacking(bench, name)
    if name == "fileordering":
        bench = among_others(bench, name)  # another file system has another order, too
    check_named(varied.run(bench), name, "Genrule")


@pytest.mark.parametrize("name", WITHOUT_A_SANDBOX)
def test_an_action_without_a_sandbox_is_named_with_what_it_saw(name: str, small: Make) -> None:
    bench = by_genrule(small, WITHOUT_A_SANDBOX[name], sandbox="none").bench("//:leak")
    skip_lacking(bench, name)
    check_named(varied.run(among_others(bench, name)), name, "Genrule")
