"""Variations of what a process is: its kernel's name, addresses, processors, user, host, terminal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.verify.variations.draft import becoming, in_terminal, unshare
from unibuild.verify.variations.terminal import COLUMNS
from unibuild.verify.variations.variation import FIRST, Variation, missing, trial, unless

if TYPE_CHECKING:
    from unibuild.verify.variations.draft import Draft
    from unibuild.verify.variations.variation import Seen
    from unibuild.verify.workbench import Workbench

_ADDR_NO_RANDOMIZE = 0x0040000  # personality(2)


class Kernel(Variation):
    """The version of the kernel that uname(2) tells."""

    name = "kernel"
    varies = "kernel version that uname tells"
    turns = FIRST

    def control(self, bench: Workbench) -> str:
        """Return the version."""
        return os.uname().release

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return how the version begins."""
        return "2.6.*"

    def lacking(self, bench: Workbench) -> str:
        """Try it."""
        return missing("setarch") or trial(
            ["setarch", os.uname().machine, "--uname-2.6"], "another kernel version cannot be told"
        )

    def apply(self, draft: Draft) -> None:
        """Have the kernel tell a version of old."""
        draft.personality.append("--uname-2.6")

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare the beginning."""
        return unless("2.6.", str(seen["release"])[:4])


class AddressRandomisation(Variation):
    """Where the kernel puts programs, stacks and libraries."""

    name = "aslr"
    varies = "randomisation of addresses"
    turns = FIRST
    steadies = True

    def control(self, bench: Workbench) -> str:
        """Tell whether it is on."""
        return "on" if _addresses_are_random() else "off"

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return that it is off."""
        return "off"

    def lacking(self, bench: Workbench) -> str:
        """Try to switch it off, unless it is."""
        if not _addresses_are_random():
            return "addresses are not randomised here, so there is nothing to switch off"
        return missing("setarch") or trial(
            ["setarch", os.uname().machine, "--addr-no-randomize"], "it cannot be switched off"
        )

    def apply(self, draft: Draft) -> None:
        """Switch it off."""
        draft.personality.append("--addr-no-randomize")

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Look at the process's personality."""
        personality = seen["personality"]
        off = isinstance(personality, int) and personality & _ADDR_NO_RANDOMIZE
        return "" if off else "addresses were still randomised"


def _addresses_are_random() -> bool:
    system = Path("/proc/sys/kernel/randomize_va_space")
    if system.exists() and system.read_text(encoding="ascii").strip() == "0":
        return False
    own = Path("/proc/self/personality")
    return not own.exists() or not int(own.read_text(encoding="ascii"), 16) & _ADDR_NO_RANDOMIZE


class Processors(Variation):
    """How many processors there are to run on."""

    name = "num_cpus"
    varies = "number of processors"
    turns = FIRST
    among = True

    def control(self, bench: Workbench) -> str:
        """Return the number."""
        return str(len(os.sched_getaffinity(0)))

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the number."""
        return "1"

    def lacking(self, bench: Workbench) -> str:
        """See to it that there are several."""
        if len(os.sched_getaffinity(0)) == 1:
            return "there is only one processor"
        return missing("taskset")

    def apply(self, draft: Draft) -> None:
        """Leave one."""
        draft.processors = str(max(os.sched_getaffinity(0)))

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare."""
        return unless(1, seen["cpus"])


class User(Variation):
    """Who builds: an ordinary user instead of root, root instead of an ordinary user."""

    name = "user_group"
    varies = "user and group"
    turns = FIRST

    def control(self, bench: Workbench) -> str:
        """Return the ids."""
        return f"{os.geteuid()}:{os.getegid()}"

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the ids."""
        user, group = self._ids()
        return f"{user}:{group} of a user namespace"

    @staticmethod
    def _ids() -> tuple[int, int]:
        return (0, 0) if os.geteuid() else (4711, 4712)

    def lacking(self, bench: Workbench) -> str:
        """Try it."""
        return missing("unshare") or trial(becoming(*self._ids()), "no user namespace can be made")

    def apply(self, draft: Draft) -> None:
        """Name the ids."""
        draft.user = self._ids()

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare."""
        return unless([*self._ids()], seen["user"])


class Host(Variation):
    """The machine's name and its domain."""

    name = "domain_host"
    varies = "host and domain name"
    turns = FIRST
    _host, _domain = "varied-host", "varied-domain"

    def control(self, bench: Workbench) -> str:
        """Return the host's name."""
        return os.uname().nodename

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the names."""
        return f"{self._host}, domain {self._domain}"

    def _preparations(self) -> list[str]:
        return [f"hostname {self._host}", f"domainname {self._domain}"]

    def lacking(self, bench: Workbench) -> str:
        """Try it."""
        script = "\n".join(("set -e", *self._preparations(), 'exec "$@"'))
        return missing("unshare", "hostname", "domainname") or trial(
            [*unshare({"uts"}), "sh", "-c", script, "trial"], "a host cannot be given another name"
        )

    def apply(self, draft: Draft) -> None:
        """Name them in a namespace."""
        draft.namespaces.add("uts")
        draft.preparations += self._preparations()

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare both."""
        return unless([self._host, self._domain], [seen["host"], seen["domain"]])


class Mask(Variation):
    """The mask of permissions for new files."""

    name = "umask"
    varies = "mask of new files' permissions (umask)"
    _masks = (0o002, 0o077)

    def control(self, bench: Workbench) -> str:
        """Return the mask."""
        return f"{_own_mask():04o}"

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the mask of the turn."""
        return f"{self._mask(turn):04o}"

    def _mask(self, turn: int) -> int:
        mask = self._masks[turn]
        return mask if mask != _own_mask() else 0o027

    def apply(self, draft: Draft) -> None:
        """Set it."""
        draft.umask = self._mask(draft.turn)

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare."""
        return unless(draft.umask, seen["umask"])


def _own_mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


class Terminal(Variation):
    """A terminal to print to, and what it is said to be like; in the other turn a wide pipe."""

    name = "terminal"
    varies = "terminal or file to print to, its width, colours"

    def control(self, bench: Workbench) -> str:
        """Return that a build's processes print to a file, and the variables."""
        said = [f"{name}={os.environ[name]}" for name in _ON_TERMINALS if name in os.environ]
        return ", ".join(("a file", *said))

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return what there is."""
        return "a file, COLUMNS=200, NO_COLOR=1" if turn else f"a terminal, COLUMNS={COLUMNS}"

    def lacking(self, bench: Workbench) -> str:
        """Try to make one."""
        return trial(in_terminal(), "no terminal can be made")

    def apply(self, draft: Draft) -> None:
        """Give the rebuild one, or say that it is none."""
        for name in _ON_TERMINALS:
            draft.environment.pop(name, None)
        if draft.turn:
            draft.environment.update(TERM="dumb", COLUMNS="200", NO_COLOR="1")
            return
        draft.environment.update(TERM="xterm-256color", COLUMNS=str(COLUMNS), FORCE_COLOR="1")
        draft.terminal = True

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare."""
        return unless(draft.terminal, seen["terminal"])


_ON_TERMINALS = ("TERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE")
