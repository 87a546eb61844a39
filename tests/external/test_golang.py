from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibuild.external import go_settings, go_sum, golang
from unibuild.external.fetch import Fetcher
from unibuild.external.go_sum import Module
from unibuild.external.lock import Lock
from unibuild.external.purl import parse
from unibuild.external.registries import Registries
from unibuild.external.update import lock_packages
from unibuild.model.errors import HostError, UserError

if TYPE_CHECKING:
    from pathlib import Path

    from support.registry import Registry

    from unibuild.external.packages import StoredPackages

HASH = "h1:" + "A" * 43 + "="
TOML = "pkg:golang/github.com/BurntSushi/toml@v1.6.0"


def test_a_go_sum_names_each_version_once_and_tells_source_from_requirements() -> None:
    text = (
        f"github.com/b/c v1.0.0/go.mod {HASH}\n"
        f"github.com/b/c v1.0.0 {HASH}\n"
        f"a.example/x/v2 v2.1.0-rc.1+incompatible/go.mod {HASH}\n"
    )
    assert go_sum.parse(text, "go.sum") == (
        Module("a.example/x/v2", "v2.1.0-rc.1+incompatible", source=False),
        Module("github.com/b/c", "v1.0.0", source=True),
    )
    purls = [module.purl for module in go_sum.parse(text, "go.sum")]
    assert purls == [
        "pkg:golang/a.example/x/v2@v2.1.0-rc.1+incompatible?file_name=go.mod",
        "pkg:golang/github.com/b/c@v1.0.0",
    ]
    assert [str(parse(purl)) for purl in purls] == purls


@given(st.text(max_size=80))
def test_any_other_line_is_shown_with_its_place(line: str) -> None:
    text = f"github.com/b/c v1.0.0 {HASH}\nx{line.splitlines()[0] if line.splitlines() else ''}\n"
    with pytest.raises(UserError) as caught:
        go_sum.parse(text, "app/go.sum")
    assert caught.value.id == "bad-go-sum"
    assert caught.value.place is not None
    assert (caught.value.place.file, caught.value.place.line) == ("app/go.sum", 2)


def test_where_go_looks_in_gos_own_order(tmp_path: Path) -> None:
    root = tmp_path / "go"
    root.mkdir()
    (root / "go.env").write_text("# x\nGOPROXY=https://default.example,direct\n")
    machine = {"GOROOT": str(root), "HOME": str(tmp_path)}
    assert go_settings.module_proxies(machine) == ("https://default.example",)
    own = tmp_path / ".config" / "go" / "env"
    own.parent.mkdir(parents=True)
    own.write_text("GOPROXY=https://a.example/|https://b.example\n")
    assert go_settings.module_proxies(machine) == ("https://a.example", "https://b.example")
    assert go_settings.module_proxies({**machine, "GOENV": "off"}) == ("https://default.example",)
    assert go_settings.module_proxies({**machine, "GOPROXY": "off"}) == ()


def test_without_a_proxy_the_setting_is_named() -> None:
    with pytest.raises(HostError) as caught:
        Registries().module_proxies()
    assert caught.value.id == "no-registry"
    assert "GOPROXY" in caught.value.hint


def test_a_module_is_locked_and_fetched_from_the_first_proxy_that_has_it(
    registry: Registry, store: StoredPackages
) -> None:
    base = "/second/github.com/!burnt!sushi/toml/@v/v1.6.0"
    registry.pages[f"{base}.zip"] = b"source"
    registry.pages[f"{base}.mod"] = b"module github.com/BurntSushi/toml\n"
    machine = Registries(go=(f"{registry.url}/first", f"{registry.url}/second"))
    locked = lock_packages([parse(TOML)], Lock(), machine, store).lock
    assert [file.name for file in locked.packages[TOML]] == ["v1.6.0.zip", "v1.6.0.mod"]
    fetched = Fetcher(locked, store, lambda: machine).path(f"{TOML}#v1.6.0.mod")
    assert fetched.read_bytes() == registry.pages[f"{base}.mod"]


def test_requirements_alone_leave_the_source_out() -> None:
    assert golang.file_names(parse(f"{TOML}?file_name=go.mod")) == ("v1.6.0.mod",)
