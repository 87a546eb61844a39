"""What differs between two outputs, as a tree from the whole to its bytes, and the first cause in words.

``explain`` is the way in; ``Difference`` says what it returns, ``drawing`` draws it for people.
"""

from __future__ import annotations

from unibuild.verify.difference.explaining import explain
from unibuild.verify.difference.tree import Cause, Difference

__all__ = ["Cause", "Difference", "explain"]
