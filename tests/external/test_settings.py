from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from unibuild.external import pip_settings, registries
from unibuild.external.apt_settings import (
    AptSettings,
    Archive,
    read_apt_settings,
    template_archives,
)
from unibuild.external.pip_settings import PipSettings, read_pip_settings
from unibuild.external.registries import Registries, parse_mirrors
from unibuild.model.errors import HostError, UserError

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_pip_files_and_environment_in_pips_own_order(tmp_path: Path) -> None:
    write(
        tmp_path / "xdg" / "pip" / "pip.conf",
        "[global]\nindex-url = https://a.example/simple/\ntimeout = 5\ncert = /a.pem\n",
    )
    write(
        tmp_path / ".config" / "pip" / "pip.conf",
        "[global]\ntimeout = 7\nextra_index_url =\n  https://b.example/s\n  https://c.example/s\n"
        "[install]\nfind-links = /links\n",
    )
    settings = read_pip_settings(
        {
            "HOME": str(tmp_path),
            "XDG_CONFIG_DIRS": str(tmp_path / "xdg"),
            "VIRTUAL_ENV": str(tmp_path / "none"),
            "PIP_CERT": "/b.pem",
            "PIP_PROXY": "http://proxy.example:3128",
        }
    )
    assert settings == PipSettings(
        indexes=("https://a.example/simple",),
        extra_indexes=("https://b.example/s", "https://c.example/s"),
        find_links=("/links",),
        certificates="/b.pem",
        timeout=7.0,
        proxy="http://proxy.example:3128",
    )


def test_a_named_pip_file_is_the_strongest_and_null_reads_none(tmp_path: Path) -> None:
    user = write(tmp_path / "u" / "pip" / "pip.conf", "[global]\nindex-url = https://u.example/s\n")
    named = write(tmp_path / "n.conf", "[global]\nindex-url = https://n.example/s\n")
    base = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(user.parent.parent)}
    both = read_pip_settings({**base, "PIP_CONFIG_FILE": str(named)})
    assert both.indexes == ("https://n.example/s",)
    assert read_pip_settings({**base, "PIP_CONFIG_FILE": "/dev/null"}).indexes == ()


def test_a_damaged_pip_file_is_passed_over(tmp_path: Path) -> None:
    named = write(tmp_path / "pip.conf", "no section = here\n")
    assert read_pip_settings({"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(named)}).timeout > 0


def test_both_forms_of_apt_sources(tmp_path: Path) -> None:
    write(
        tmp_path / "etc/apt/sources.list",
        "# deb http://no.example/debian sid main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://a.example/debian bookworm main contrib # why\n"
        "deb-src http://a.example/debian/ bookworm main\n",
    )
    write(
        tmp_path / "etc/apt/sources.list.d/x.sources",
        "Types: deb deb-src\nURIs: http://b.example/debian http://c.example/debian/\n"
        "Suites: trixie trixie-updates\nComponents: main\nSigned-By:\n -----BEGIN PGP\n .\n x\n"
        "\n# other\nTypes: deb\nEnabled: no\nURIs: http://d.example/\nSuites: s\nComponents: c\n",
    )
    write(tmp_path / "etc/apt/sources.list.d/y.list", "deb mirror+file:/etc/m.list sid main\n")
    write(tmp_path / "etc/m.list", "http://e.example/debian\tpriority:1\n# no\n")
    write(tmp_path / "etc/apt/sources.list.d/z.save", "deb http://z.example/ sid main\n")
    suites = ("trixie", "trixie-updates")
    assert read_apt_settings(tmp_path).archives == (
        Archive("http://a.example/debian", ("bookworm",), ("main", "contrib"), ("/k.gpg",)),
        Archive("http://a.example/debian", ("bookworm",), ("main",)),
        Archive("http://b.example/debian", suites),
        Archive("http://c.example/debian", suites),
        Archive("http://e.example/debian", ("sid",)),
    )


def test_a_machine_whose_apt_knows_no_debian_uses_mirrors_then_the_template(tmp_path: Path) -> None:
    write(
        tmp_path / "usr/share/python-apt/templates/Debian.info",
        "Suite: bookworm\nBaseURI: http://t.example/debian/\n\nSuite: x\nBaseURI: http://t.example/debian\n",
    )
    ubuntu = Archive("http://u.example/ubuntu", ("noble",), ("main",))
    machine = Registries(
        apt=AptSettings((ubuntu,)),
        chosen={"debian": ("http://env.example/d",)},
        mirrors={"debian": ("http://m.example/d",)},
        root=tmp_path,
    )
    urls = [archive.url for archive in machine.archives("debian")]
    assert urls == [
        "http://env.example/d",
        "http://m.example/d",
        "http://t.example/debian",
        "http://u.example/ubuntu",
    ]
    assert machine.archives("ubuntu")[0] == ubuntu
    assert template_archives("nothing", tmp_path) == ()


def test_the_order_of_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pip_settings, "default_index", lambda: "https://default.example/s")
    configured = PipSettings(indexes=("https://pip.example/s",))
    mirrors = {"pypi": ("https://m.example/s",)}
    assert Registries().indexes() == ("https://default.example/s",)
    assert Registries(mirrors=mirrors).indexes() == mirrors["pypi"]
    assert Registries(pip=configured, mirrors=mirrors).indexes() == (
        *configured.indexes,
        *mirrors["pypi"],
    )
    assert Registries(pip=PipSettings(no_index=True, find_links=("/l",))).indexes() == ()


def test_no_registry_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pip_settings, "default_index", lambda: "")
    for ask in (Registries(root=tmp_path).indexes, lambda: Registries(root=tmp_path).archives("x")):
        with pytest.raises(HostError) as caught:
            ask()
        assert caught.value.id == "no-registry"
        assert "[mirrors]" in caught.value.hint


def test_the_mirrors_variable() -> None:
    assert parse_mirrors("pypi=https://a.example/s/ debian=http://b.example debian=file:///c") == {
        "pypi": ("https://a.example/s",),
        "debian": ("http://b.example", "file:///c"),
    }
    with pytest.raises(UserError) as caught:
        parse_mirrors("https://a.example")
    assert caught.value.id == "bad-mirrors"


def test_this_machines_own_settings_are_read() -> None:
    machine = registries.of_machine({"debian": ["http://m.example/debian/"]})
    assert machine.mirrors == {"debian": ("http://m.example/debian",)}
    assert machine.transport("pypi").timeout >= 1
