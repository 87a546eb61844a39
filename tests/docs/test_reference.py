from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def generated() -> dict[str, str]:
    path = ROOT / "docs" / "generate_reference.py"
    spec = importlib.util.spec_from_file_location("generate_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pages = module.pages()
    assert isinstance(pages, dict)
    return pages


def test_the_reference_is_what_the_code_says() -> None:
    written = ROOT.joinpath("docs", "reference").glob("*.md")
    texts = {path.name: path.read_text(encoding="utf-8") for path in written}
    # A page without this note is written by hand.
    committed = {name: text for name, text in texts.items() if "Written by docs/generate" in text}
    assert committed == generated(), "run: python docs/generate_reference.py"
