"""What holds for every test."""

from __future__ import annotations

import pytest
from hypothesis import settings

# A machine that is busy with other tests is no reason for an example to fail.
settings.register_profile("unibuild", deadline=None)
settings.load_profile("unibuild")

LONGEST = (
    "verify/test_pipelines.py",
    "end_to_end/test_reproducible.py",
    "faults/test_kills.py",
    "verify/test_varied_actions.py",
    "verify/test_varied.py",
    "verify/test_varied_rules.py",
    "execution/test_remote_image.py",
    "end_to_end/test_offline.py",
    "docs/test_tutorial.py",
    "bootstrap/test_wheel.py",
    "verify/test_twice.py",
    "verify/test_hermetic.py",
    "verify/test_breaks.py",
)
"""Files whose tests take longest, begun first, so that no process is left alone with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        name = item.nodeid.partition("::")[0].removeprefix("tests/")
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=rank)
