"""Write messages_golden.json: ``CASES`` as Google's protobuf library encodes them.

Run by hand, in an environment of its own with Python 3.13 or later, when a case is added:

    pip install buildgrid==0.9.1
    python tests/store/remote/regenerate_messages_golden.py

The classes generated from the .proto files come with BuildGrid.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

from message_cases import CASES


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


def encoded(module: str, kind: str, fields: dict[str, object]) -> str:
    """Return the canonical encoding in hexadecimal."""
    message = getattr(importlib.import_module(f"buildgrid._protos.{module}_pb2"), kind)()
    fill(message, fields)
    return str(message.SerializeToString(deterministic=True).hex())


if __name__ == "__main__":
    golden = {name: encoded(*case) for name, case in CASES.items()}
    place = Path(__file__).with_name("messages_golden.json")
    place.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")
