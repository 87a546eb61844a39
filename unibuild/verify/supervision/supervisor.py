"""The process that runs one action under its eyes: a tracer by ptrace(2) with a seccomp filter.

    … -c "…main()" [--report FILE --name NAME] [--shift SECONDS] [--hide FOLDER] -- PROGRAM ARGUMENT…

It starts the command line behind ``--`` with its own environment, descriptors and process group, and
ends as it ended: with its status or by its signal. Signals that are sent to it are passed on; when it
is killed, everything it runs is. Only the calls of interest stop a process, so that all others cost
nothing. At every exec the kernel's page of clock functions (vDSO) is taken out of the auxiliary
vector, so that reading a clock is a system call.

``--report`` appends one line of JSON when the action has ended: ``name``, ``status`` and ``seen``,
a list of [kind, what, program, count]. ``--shift`` moves the date. ``--hide`` tells the action other
facts of the host: by the calls that ask for them, and by files laid over those of the same path in
``FOLDER`` (with ``%2F`` for ``/``), where the action is started by bubblewrap.
"""

from __future__ import annotations

import os
import signal
import sys
from struct import Struct

from unibuild.verify.supervision import FAILURE_MARK, calls, linux
from unibuild.verify.supervision.clock import Clock
from unibuild.verify.supervision.watcher import Watcher

_PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_STOPS = {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
_CALL_ENDED = signal.SIGTRAP | 0x80
_NOT_STARTED = 127
_AT_SYSINFO_EHDR, _AT_IGNORE = 33, 1
_word = Struct("<Q")


class Tracer:
    """Follows one process and its descendants until it ends."""

    def __init__(
        self, main: int, watcher: Watcher | None, shift: int, memory: linux.Memory
    ) -> None:
        """Follow ``main``, which has been seized and not gone on yet."""
        self._main = main
        self._watcher = watcher
        self._clock = Clock(shift, memory) if shift else None
        self._memory = memory
        self._followed = {main}
        self._early: dict[int, int] = {}  # stopped before their start was reported

    def follow(self) -> int:
        """Return how the main process ended, as waitpid(2) says it."""
        wait = os.waitpid
        while True:
            pid, status = wait(-1, linux.ANY_CHILD)
            if status & 0xFF == 0x7F:  # noqa: PLR2004 - WIFSTOPPED
                if pid in self._followed:
                    self._stopped(pid, status)
                else:
                    self._early[pid] = status
                continue
            self._forget(pid)
            if pid == self._main:
                return status

    def _stopped(self, pid: int, status: int) -> None:
        number, event = (status >> 8) & 0xFF, status >> 16
        how = linux.CONTINUE
        try:
            if event == linux.EVENT_SECCOMP:
                how, number = self._called(pid), 0
            elif number == _CALL_ENDED:
                number = 0
                if self._clock:
                    self._clock.returned(pid)
                if self._watcher:
                    self._watcher.returned(pid)
            elif event == linux.EVENT_STOP:
                how, number = (linux.LISTEN if number in _STOPS else how), 0
            elif event:
                self._event(pid, event)
                number = 0
        except (ProcessLookupError, FileNotFoundError):  # it has died, or names what is not there
            number = 0
        except OSError:
            number = 0
            if self._watcher:
                self._watcher.missed(pid)
        self._go_on(how, pid, number)

    def _called(self, pid: int) -> int:
        architecture, number, *rest = linux.entered(pid)
        arguments = tuple(rest)
        wanted = False
        if self._watcher:
            wanted = self._watcher.called(pid, architecture, number, arguments)
        if self._clock and architecture == calls.ARCHITECTURE:
            wanted |= self._clock.called(pid, number, arguments)
        return linux.UNTIL_CALL_ENDS if wanted else linux.CONTINUE

    def _event(self, pid: int, event: int) -> None:
        if event == linux.EVENT_EXEC:
            self._memory.forget(pid)
            former = linux.message(pid)
            if former != pid:
                self._forget(former)
            _hide_clock_page(pid, self._memory)
            if self._watcher:
                self._watcher.executed(pid, former)
        elif event in {linux.EVENT_FORK, linux.EVENT_VFORK, linux.EVENT_CLONE}:
            child = linux.message(pid)
            self._followed.add(child)
            if self._watcher:
                self._watcher.forked(pid, child)
            early = self._early.pop(child, None)
            if early is not None:
                self._stopped(child, early)

    def _go_on(self, how: int, pid: int, number: int) -> None:
        try:
            linux.request(how, pid, number)
        except OSError:
            return  # it was killed; waitpid will say so

    def _forget(self, pid: int) -> None:
        self._followed.discard(pid)
        self._early.pop(pid, None)
        self._memory.forget(pid)
        if self._watcher:
            self._watcher.ended(pid)


def _hide_clock_page(pid: int, memory: linux.Memory) -> None:
    """Blank the vDSO's entry in the auxiliary vector of a program that is about to start."""
    at = linux.stack_pointer(pid)
    count = _word.unpack(memory.read(pid, at, 8))[0]
    at += 8 * (count + 2)  # behind the count and the arguments with their end
    in_vector = False
    while True:
        data = memory.read(pid, at, 4096)
        for place in range(0, len(data) - 15, 8 if not in_vector else 16):
            value = _word.unpack_from(data, place)[0]
            if in_vector:
                if value == _AT_SYSINFO_EHDR:
                    memory.write(pid, at + place, _word.pack(_AT_IGNORE))
                if value in {0, _AT_SYSINFO_EHDR}:
                    return
            elif not value:
                in_vector = True
                at += place + 8
                break
        else:
            if len(data) < 16:  # noqa: PLR2004 - one entry
                return
            at += (len(data) - 15 + 7) // 8 * 8 if not in_vector else len(data) // 16 * 16


def _hidden(arguments: list[bytes], folder: str) -> list[bytes]:
    """Have bubblewrap lay the files of ``folder`` over those of the host."""
    at = arguments.index(b"--proc") + 2
    more: list[bytes] = []
    for name in sorted(os.listdir(folder)):
        more += (
            b"--ro-bind",
            os.fsencode(f"{folder}/{name}"),
            os.fsencode(name.replace("%2F", "/")),
        )
    return [*arguments[:at], *more, *arguments[at:]]


def _environment() -> dict[bytes, bytes]:
    """Return the environment as it was given; Python may have added to its own."""
    with open("/proc/self/environ", "rb") as given:
        entries = given.read().split(b"\0")
    pairs = (entry.partition(b"=") for entry in entries if entry)
    return {name: value for name, _, value in pairs}


def _start(arguments: list[bytes], program: bytes) -> int:
    """Start the action under the filter; return its number."""
    may_go, go = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(go)
            os.read(may_go, 1)  # ends when the other end is closed
            _become(arguments, program)
        finally:
            os._exit(_NOT_STARTED)
    os.close(may_go)
    try:
        linux.request(linux.SEIZE, pid, linux.OPTIONS)
    except OSError:
        os.kill(pid, signal.SIGKILL)
        raise
    os.close(go)
    for name in _PASSED_ON:
        signal.signal(getattr(signal, name), lambda number, _: os.kill(pid, number))
    return pid


def _become(arguments: list[bytes], program: bytes) -> None:
    """Go on as the action; returns when that cannot be."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it
    try:
        linux.filter_calls(program)
    except OSError as error:
        _complain(f"no filter can be set: {error.strerror}")
        return
    try:
        os.execve(arguments[0], arguments, _environment())  # noqa: S606 - no shell is meant
    except OSError as error:
        os.write(2, b"%s: %s\n" % (arguments[0], os.fsencode(error.strerror or "")))


def _complain(why: str) -> None:
    os.write(2, os.fsencode(f"{FAILURE_MARK}{why}\n"))


def _text(value: str) -> str:
    """Return a JSON string; the json module would cost more than the whole rest at start."""
    quoted = []
    for character in value:
        if " " <= character <= "~" and character not in '"\\':
            quoted.append(character)
        else:
            units = character.encode("utf-16-be", "surrogatepass").hex()
            quoted += (f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
    return f'"{"".join(quoted)}"'


def _report(path: str, name: str, status: int, watcher: Watcher) -> None:
    seen = (
        f"[{', '.join(map(_text, key))}, {count[0]}]" for key, count in sorted(watcher.seen.items())
    )
    line = f'{{"name": {_text(name)}, "status": {status}, "seen": [{", ".join(seen)}]}}\n'
    # One write, so that the lines of supervisors that end at once stay whole.
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    os.write(file, line.encode("ascii"))
    os.close(file)


def main() -> None:
    """Supervise the command line that this process was given; ends the process."""
    try:
        _supervise()
    except Exception as fault:  # noqa: BLE001 - nothing it ran outlives it, so say why and end
        _complain(f"{type(fault).__name__}: {fault}")
    os._exit(_NOT_STARTED)


def _supervise() -> None:
    linux.die_with_parent()
    at = sys.argv.index("--")
    options = dict(zip(sys.argv[1:at:2], sys.argv[2:at:2], strict=True))
    arguments = [os.fsencode(argument) for argument in sys.argv[at + 1 :]]
    sandboxed = arguments[0].endswith(b"/bwrap") and b"--unshare-user" in arguments
    report, hide = options.get("--report", ""), options.get("--hide", "")
    shift = int(options.get("--shift", "0"))
    if hide and sandboxed:
        arguments = _hidden(arguments, hide)
    memory = linux.Memory()
    watcher = Watcher(memory, sandboxed=sandboxed, vary=bool(hide)) if report else None
    program = calls.filter_program(watch=bool(report), looks=not sandboxed, shift=bool(shift))
    status = Tracer(_start(arguments, program), watcher, shift, memory).follow()
    code = os.waitstatus_to_exitcode(status)
    if watcher:
        _report(report, options.get("--name", ""), code, watcher)
    if code < 0:
        _die_by(-code)
    os._exit(code)


def _die_by(number: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the action's own core is the only one wanted
    if number not in {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)
