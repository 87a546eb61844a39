"""V4: a team's rule that looks around is named with exactly what it saw."""

from __future__ import annotations

import pytest
from verify.leaks import (
    BY_RULES,
    Make,
    among_others,
    by_rule,
    check_named,
    skip_lacking,
)

from unibuild.verify import varied


@pytest.mark.parametrize("name", BY_RULES)
def test_a_rule_that_looks_around_is_named_with_what_it_saw(name: str, small: Make) -> None:
    bench = by_rule(small, BY_RULES[name]).bench("//:leak")
    skip_lacking(bench, name)
    check_named(varied.run(among_others(bench, name)), name, "Leak")
