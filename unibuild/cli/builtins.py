"""The built-in actions, by the names that rules use; see ``execution.request.BuiltinCall``."""

from __future__ import annotations

BUILTINS = {
    "boot-test": "unibuild.machine.boot_test:build",
    "extract": "unibuild.external.extract:extract",
    "image-pack": "unibuild.image.pack:build",
    "root-archive": "unibuild.image.root_archive:build",
}
"""Name to ``module:function``; a module is imported only when one of its actions runs."""
