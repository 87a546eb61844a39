from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from guests import echoes_command_line, echoes_one_byte, hangs, place, says

from unibuild.machine.acceleration import Acceleration, choose, probe, probe_command, tiny_guest
from unibuild.machine.machine import Outcome
from unibuild.machine.ports import PortForward
from unibuild.machine.run import RunOptions, run_image
from unibuild.model.errors import ActionError, HostError, UserError

pytestmark = pytest.mark.boot
SYMBOLS = "unibuild symbols 1\n100000 20 entry\n100200 100 main\n100300 40 fail\n"


def boot(manifest: Path, **options: object) -> tuple[Outcome, bytes, list[str]]:
    output: list[bytes] = []
    notes: list[str] = []
    chosen = RunOptions(**{"accelerator": "tcg", "timeout": 20.0, **options})
    outcome = run_image(manifest, chosen, output.append, notes.append)
    return outcome, b"".join(output), notes


def alive(process_id: int) -> bool:
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_output_and_status_are_the_programs(tmp_path: Path) -> None:
    outcome, output, notes = boot(place(tmp_path, says(b"Hello\n\x1e[unibuild] exit 7\n")))
    assert (outcome.status, output, notes) == (7, b"Hello\n", [])


def test_a_fault_shows_a_symbolised_backtrace(tmp_path: Path) -> None:
    guest = says(
        b"so far\n\x1e[unibuild] fault page fault rip=0x100310\n"
        b"\x1e[unibuild] frame 100310\n\x1e[unibuild] frame 100300\n\x1e[unibuild] frame 900000\n"
    )
    outcome, output, notes = boot(place(tmp_path, guest, symbols=SYMBOLS))
    assert (outcome.status, output) == (134, b"so far\n")
    assert notes == [
        "fault: page fault rip=0x100310",
        "    at fail+0x10 (0x100310)",
        "    at main+0xff (0x100300)",  # a return address belongs to the call before it
        "    at ? (0x900000)",
    ]


def test_a_linux_program_is_named_by_its_own_symbols(tmp_path: Path) -> None:
    guest = says(
        b"\x1e[unibuild] object 700000 702000 600000 /bin/server\n"
        b"\x1e[unibuild] object 800000 801000 800000 /lib/libc.so\n"
        b"\x1e[unibuild] missing-call fork 57 caller 700310\n"
        b"\x1e[unibuild] fault SIGSEGV (11) address=0 rip=700300\n"
        b"\x1e[unibuild] program-frame 700300\n\x1e[unibuild] program-frame 700300\n"
        b"\x1e[unibuild] program-frame 800010\n\x1e[unibuild] program-frame 900000\n"
        b"\x1e[unibuild] exit 139\n"
    )
    manifest = place(tmp_path, guest, symbols="unibuild symbols 1\n100000 400000 kernel\n")
    names = manifest.name.removesuffix(".manifest.json") + ".program.symbols"
    manifest.with_name(names).write_text(SYMBOLS)
    outcome, _, notes = boot(manifest)
    assert outcome.status == 139
    assert notes == [
        (
            "missing system call: fork (57), from fail+0xf (0x700310), answers ENOSYS; "
            "starting other programs is not supported"
        ),
        "fault: SIGSEGV (11) address=0 rip=700300",
        "    at fail+0x0 (0x700300)",
        "    at main+0xff (0x700300)",
        "    at /lib/libc.so+0xf (0x800010)",
        "    at ? (0x900000)",
    ]


def test_a_process_that_cannot_be_started_and_memory_that_is_out_say_what_to_do(
    tmp_path: Path,
) -> None:
    guest = says(
        b"\x1e[unibuild] missing-call clone 56 caller 700310\n"
        b"\x1e[unibuild] fault SIGKILL (9) thread=1 vector=14 error=6 address=0 rip=700300\n"
        b"\x1e[unibuild] exit 137\n"
    )
    _, _, notes = boot(place(tmp_path, guest, symbols="unibuild symbols 1\n"))
    assert notes[0].endswith("answers ENOSYS; it starts threads, and no processes")
    assert notes[-1] == "hint: give it more memory: --memory 64M, or `memory` of the image"


def test_a_guest_that_vanishes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ActionError) as caught:
        boot(place(tmp_path, says(b"oops\n")))
    assert caught.value.id == "guest-vanished"


def test_time_runs_out(tmp_path: Path) -> None:
    outcome, output, _ = boot(place(tmp_path, hangs(b"up\n")), timeout=1.0)
    assert (outcome.status, output) == (None, b"up\n")


def test_arguments_reach_the_guest(tmp_path: Path) -> None:
    # The guest sends back the raw command line and then resets without a status.
    output: list[bytes] = []
    with pytest.raises(ActionError, match="without telling"):
        run_image(
            place(tmp_path, echoes_command_line()),
            RunOptions(accelerator="tcg", arguments=("--zone", "a b"), timeout=20.0),
            output.append,
            output.clear,  # type: ignore[arg-type]
        )
    assert b"".join(output) == b"--zone a\\ b"


def test_input_reaches_the_guest(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"x")
    os.close(writing)
    output: list[bytes] = []
    with os.fdopen(reading, "rb") as source, pytest.raises(ActionError):
        run_image(
            place(tmp_path, echoes_one_byte()),
            RunOptions(accelerator="tcg", input=source, timeout=20.0),
            output.append,
            lambda _: None,
        )
    assert output == [b"x"]


def test_too_little_memory_is_found_before_the_start(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        boot(place(tmp_path, says(b"x")), memory="1M")
    assert caught.value.id == "memory-too-small"
    assert caught.value.hint == "give it at least 1089K"


def test_ports_need_a_network(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        boot(place(tmp_path, says(b"x")), forwards=(PortForward(0, 80),))
    assert caught.value.id == "no-network"


def test_a_forwarded_port_0_is_announced(tmp_path: Path) -> None:
    manifest = place(tmp_path, says(b"\x1e[unibuild] exit 0\n"), devices=("virtio-net-device",))
    outcome, _, notes = boot(manifest, forwards=(PortForward(0, 80),))
    assert outcome.status == 0
    assert notes[0].startswith("port 127.0.0.1:")


def test_a_file_that_is_no_image_is_put_into_words(tmp_path: Path) -> None:
    manifest = place(tmp_path, says(b"x"))
    (tmp_path / "guest.elf").write_bytes(b"\x7fELF")
    with pytest.raises(HostError) as caught:
        boot(manifest)
    assert caught.value.id == "unreadable-image"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_signal_leaves_a_monitor_behind(tmp_path: Path, number: signal.Signals) -> None:
    manifest = place(tmp_path, hangs(b"up\n"))
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from unibuild.machine.run import RunOptions, run_image\n"
        "def write(data):\n"
        "    sys.stdout.buffer.write(data)\n"
        "    sys.stdout.flush()\n"
        "run_image(Path(sys.argv[1]), RunOptions(accelerator='tcg'), write, print)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(manifest)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 1
        process.send_signal(number)
        process.wait(10)
    deadline = time.monotonic() + 5
    while alive(int(children[0])) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(int(children[0]))


def test_the_tiny_guest_runs(tmp_path: Path) -> None:
    guest = tmp_path / "tiny.elf"
    guest.write_bytes(tiny_guest())
    done = subprocess.run(probe_command("tcg", guest), capture_output=True, timeout=20, check=True)
    assert done.stdout == b"K"


def test_the_choice_of_an_accelerator_is_kept(tmp_path: Path) -> None:
    first = probe(tmp_path)
    assert first.name in ("kvm", "tcg")
    assert probe(tmp_path) == first
    assert choose("tcg") == Acceleration("tcg", "asked for")
    with pytest.raises(UserError, match="no accelerator"):
        choose("warp")
