"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# A machine that is busy with other tests is no reason for an example to fail.
settings.register_profile("unibuild", deadline=None)
settings.load_profile("unibuild")
