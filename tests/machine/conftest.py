from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

# Test folders are no packages; the helper is loaded by its place.
_spec = importlib.util.spec_from_file_location("guests", Path(__file__).with_name("guests.py"))
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
sys.modules.setdefault("guests", _module)
_spec.loader.exec_module(_module)
