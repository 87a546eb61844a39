"""Write reapi_golden.json: ``CASES`` as Google's protobuf library encodes them.

Run by hand, in an environment of its own, when a case is added:

    pip install --no-deps BuildStream==2.8.1 && pip install protobuf
    python tests/store/regenerate_reapi_golden.py

The classes generated from remote_execution.proto come with BuildStream.
"""

from __future__ import annotations

import json
from pathlib import Path

from buildstream._protos.build.bazel.remote.execution.v2 import remote_execution_pb2
from reapi_cases import CASES


def fill(message: object, fields: dict[str, object]) -> None:
    """Set ``fields`` on a generated message, nested ones in place."""
    for name, value in fields.items():
        if isinstance(value, dict):
            part = getattr(message, name)
            part.SetInParent()
            fill(part, value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for item in value:
                fill(getattr(message, name).add(), item)
        elif isinstance(value, list):
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)


def encoded(kind: str, fields: dict[str, object]) -> str:
    """Return the canonical encoding in hexadecimal."""
    message = getattr(remote_execution_pb2, kind)()
    fill(message, fields)
    return str(message.SerializeToString(deterministic=True).hex())


if __name__ == "__main__":
    golden = {name: encoded(kind, fields) for name, (kind, fields) in CASES.items()}
    place = Path(__file__).with_name("reapi_golden.json")
    place.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")
