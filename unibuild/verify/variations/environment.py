"""Variations of what the environment of a process says: variables, folders, language, time zone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from functools import cache
from typing import TYPE_CHECKING

from unibuild.verify.surroundings import MARKED_VARIABLE, letters_in_order
from unibuild.verify.variations.variation import FIRST, Variation, missing, unless

if TYPE_CHECKING:
    from unibuild.verify.variations.draft import Draft
    from unibuild.verify.variations.variation import Seen
    from unibuild.verify.workbench import Workbench

_UNSET = "not set"


def _variable(seen: Seen, name: str) -> str | None:
    variables = seen["environment"]
    return variables.get(name) if isinstance(variables, dict) else None


class Environment(Variation):
    """Variables that compilers, make and archivers listen to."""

    name = "environment"
    varies = "environment variables that build tools listen to"
    turns = FIRST
    _strange = {  # noqa: RUF012 - never changed
        MARKED_VARIABLE: "varied",
        "ARFLAGS": "rv",
        "CC": "/nonexistent/cc",
        "CFLAGS": "-O0 -DVARIED=1",
        "CPATH": "/nonexistent/include",
        "CPPFLAGS": "-DVARIED=1",
        "CXXFLAGS": "-O0 -DVARIED=1",
        "LDFLAGS": "--build-id",
        "LIBRARY_PATH": "/nonexistent/lib",
        "MAKEFLAGS": "-j7",
        "SOURCE_DATE_EPOCH": "1",
    }

    def control(self, bench: Workbench) -> str:
        """Return those of them that are set."""
        names = [name for name in self._strange if name in os.environ and name != MARKED_VARIABLE]
        return f"yours, with {', '.join(names)}" if names else "yours, which has none of them"

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the names."""
        return ", ".join(self._strange)

    def apply(self, draft: Draft) -> None:
        """Set all."""
        draft.environment.update(self._strange)

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Look for the mark."""
        return unless(self._strange[MARKED_VARIABLE], _variable(seen, MARKED_VARIABLE))


class Home(Variation):
    """A home folder that does not exist."""

    name = "home"
    varies = "home folder"
    turns = FIRST
    _folder = "/nonexistent/home"

    def control(self, bench: Workbench) -> str:
        """Return the folder."""
        return os.environ.get("HOME", _UNSET)

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the folder that is none."""
        return f"{self._folder}, which is not there"

    def apply(self, draft: Draft) -> None:
        """Name it; what other variables name is found through HOME when they are absent."""
        draft.environment["HOME"] = self._folder
        for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            draft.environment.pop(name, None)

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare."""
        return unless(self._folder, _variable(seen, "HOME"))


class SearchPath(Variation):
    """One more folder at the end of PATH."""

    name = "exec_path"
    varies = "search path of programs"
    turns = FIRST
    _folder = "/nonexistent/bin"

    def control(self, bench: Workbench) -> str:
        """Return the path."""
        return os.environ.get("PATH", _UNSET)

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return what is added."""
        return f"the same and {self._folder}"

    def _path(self) -> str:
        return f"{os.environ.get('PATH', os.defpath)}:{self._folder}"

    def apply(self, draft: Draft) -> None:
        """Add it."""
        draft.environment["PATH"] = self._path()

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare."""
        return unless(self._path(), _variable(seen, "PATH"))


class TimeZone(Variation):
    """Two zones that are 26 hours apart, so that one of them is always at another date."""

    name = "timezone"
    varies = "time zone"
    _zones = ("GMT+12", "GMT-14")  # POSIX counts westwards
    _offsets = ("-1200", "+1400")

    def control(self, bench: Workbench) -> str:
        """Return the zone."""
        return f"{os.environ.get('TZ', 'the system time zone')} ({time.strftime('%z')})"

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the zone of the turn."""
        return f"{self._zones[turn]} ({self._offsets[turn]})"

    def apply(self, draft: Draft) -> None:
        """Set TZ."""
        draft.environment["TZ"] = self._zones[draft.turn]

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare the offset from UTC."""
        return unless(self._offsets[draft.turn], seen["zone"])


class Locales(Variation):
    """Another language, with another order of letters where one is installed."""

    name = "locales"
    varies = "language, and with it the order of letters"
    turns = FIRST
    _variables = ("LC_ALL", "LC_COLLATE", "LANG")

    def control(self, bench: Workbench) -> str:
        """Return the locale that sorts."""
        return next((os.environ[name] for name in self._variables if os.environ.get(name)), "C")

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the locale."""
        return other_locale()

    def lacking(self, bench: Workbench) -> str:
        """Look for a locale that sorts otherwise."""
        if missing("locale"):
            return missing("locale")
        return "" if other_locale() else "no locale is installed that sorts otherwise"

    def apply(self, draft: Draft) -> None:
        """Set what names a language."""
        for name in [name for name in draft.environment if name.startswith("LC_")]:
            del draft.environment[name]
        language = other_locale().partition("_")[0]
        draft.environment.update(LANG=other_locale(), LC_ALL=other_locale(), LANGUAGE=language)

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare the order of letters."""
        return unless(letters_in_order(other_locale()), seen["letters"])


_STRANGE_LOCALES = ("et_EE", "lt_LT", "lv_LV", "cs_CZ", "da_DK")
"""Whose order differs from that of C and of English within the ASCII letters, tried first."""


@cache
def other_locale() -> str:
    """Return an installed UTF-8 locale that sorts otherwise than this process's, empty if none."""
    done = subprocess.run(["locale", "-a"], capture_output=True, check=False, text=True)
    found = [name for name in done.stdout.split() if name.lower().endswith((".utf8", ".utf-8"))]
    rank = {name: place for place, name in enumerate(_STRANGE_LOCALES)}
    found.sort(key=lambda name: (rank.get(name[:5], len(rank)), name))
    here = letters_in_order()
    return next((name for name in found if letters_in_order(name) not in {"", here}), "")


class HashSeed(Variation):
    """The seed of Python's hashes, and so the order of sets of text."""

    name = "hashseed"
    varies = "seed of Python's hashes (PYTHONHASHSEED)"
    steadies = True
    _seeds = ("0", "4294967295")

    def control(self, bench: Workbench) -> str:
        """Return the seed."""
        return os.environ.get("PYTHONHASHSEED", "drawn anew by each process")

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the seed of the turn."""
        return self._seeds[turn]

    def apply(self, draft: Draft) -> None:
        """Set it."""
        draft.environment["PYTHONHASHSEED"] = self._seeds[draft.turn]

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare a hash with that of another process that has the seed."""
        return unless(hash_with(self._seeds[draft.turn]), seen["hash"])


@cache
def hash_with(seed: str) -> int:
    """Return the hash of the word that ``surroundings`` hashes, in a process with ``seed``."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", "print(hash('unibuild'))"],
        env={"PYTHONHASHSEED": seed}, capture_output=True, check=True,
    )  # fmt: skip
    return int(done.stdout)


class TemporaryFolder(Variation):
    """Another folder for temporary files."""

    name = "tmpdir"
    varies = "folder for temporary files (TMPDIR)"
    turns = FIRST

    def control(self, bench: Workbench) -> str:
        """Return the folder."""
        return tempfile.gettempdir()

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return what folder it is."""
        return "a folder of the rebuild"

    def apply(self, draft: Draft) -> None:
        """Make one and name it."""
        draft.environment["TMPDIR"] = str(draft.folder("temporary files"))

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare."""
        return unless(draft.environment["TMPDIR"], seen["temporary"])
