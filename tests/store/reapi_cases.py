"""Messages in the plain words of their .proto, encoded by us and by Google's library alike.

``CASES`` maps a name to (message, fields); nested messages are dicts, repeated fields lists. Lists
are in canonical order already, so that the reference encoder needs no knowledge of it.
"""

from __future__ import annotations

HASH_A = "a" * 64
HASH_B = "0123456789abcdef" * 4

CASES: dict[str, tuple[str, dict[str, object]]] = {
    "digest": ("Digest", {"hash": HASH_A, "size_bytes": 300}),
    "empty digest": ("Digest", {"hash": HASH_A, "size_bytes": 0}),
    "large digest": ("Digest", {"hash": HASH_B, "size_bytes": 2**40 + 1}),
    "empty command": ("Command", {}),
    "command": (
        "Command",
        {
            "arguments": ["bin/cc", "-c", "", "späce and ünicode", "x" * 200],
            "environment_variables": [
                {"name": "A", "value": "1"},
                {"name": "EMPTY", "value": ""},
                {"name": "TZ", "value": "UTC"},
            ],
            "platform": {"properties": [{"name": "ISA", "value": "x86-64"}]},
            "output_paths": ["unibuild-out/a", "unibuild-out/b/c"],
        },
    ),
    "command in a directory": (
        "Command",
        {"arguments": ["x"], "working_directory": "sub/dir", "output_paths": ["o"]},
    ),
    "empty directory": ("Directory", {}),
    "directory": (
        "Directory",
        {
            "files": [
                {"name": "a", "digest": {"hash": HASH_A, "size_bytes": 1}},
                {
                    "name": "tool",
                    "digest": {"hash": HASH_B, "size_bytes": 70000},
                    "is_executable": True,
                },
                {"name": "é", "digest": {"hash": HASH_A, "size_bytes": 0}},
            ],
            "directories": [
                {"name": "lib", "digest": {"hash": HASH_B, "size_bytes": 12}},
                {"name": "src", "digest": {"hash": HASH_A, "size_bytes": 0}},
            ],
            "symlinks": [{"name": "link", "target": "../a"}],
        },
    ),
    "tree": (
        "Tree",
        {
            "root": {"directories": [{"name": "d", "digest": {"hash": HASH_A, "size_bytes": 75}}]},
            "children": [
                {"files": [{"name": "f", "digest": {"hash": HASH_B, "size_bytes": 5}}]},
                {"symlinks": [{"name": "l", "target": "f"}]},
            ],
        },
    ),
    "action": (
        "Action",
        {
            "command_digest": {"hash": HASH_A, "size_bytes": 100},
            "input_root_digest": {"hash": HASH_B, "size_bytes": 0},
        },
    ),
    "action with platform and timeout": (
        "Action",
        {
            "command_digest": {"hash": HASH_A, "size_bytes": 100},
            "input_root_digest": {"hash": HASH_B, "size_bytes": 200},
            "timeout": {"seconds": 600},
            "platform": {
                "properties": [
                    {"name": "ISA", "value": "x86-64"},
                    {"name": "OSFamily", "value": "linux"},
                ]
            },
        },
    ),
    "action result": (
        "ActionResult",
        {
            "output_files": [
                {"path": "unibuild-out/a", "digest": {"hash": HASH_A, "size_bytes": 1}},
                {
                    "path": "unibuild-out/tool",
                    "digest": {"hash": HASH_B, "size_bytes": 2},
                    "is_executable": True,
                },
            ],
            "output_directories": [
                {
                    "path": "unibuild-out/d",
                    "tree_digest": {"hash": HASH_A, "size_bytes": 3},
                    "root_directory_digest": {"hash": HASH_B, "size_bytes": 4},
                }
            ],
            "stdout_raw": b"warning: \xff\n",
        },
    ),
    "failed action result": ("ActionResult", {"exit_code": 3}),
}
