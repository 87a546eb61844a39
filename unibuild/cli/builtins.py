"""The built-in actions, by the names that rules use; see ``execution.request.BuiltinCall``."""

from __future__ import annotations

from unibuild.image import builtins as image

BUILTINS = {"extract": "unibuild.external.extract:extract", **image.BUILTINS}
"""Name to ``module:function``; a module is imported only when one of its actions runs."""
