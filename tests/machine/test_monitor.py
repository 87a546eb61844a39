from __future__ import annotations

from pathlib import Path

import pytest
from guests import manifest_data
from hypothesis import given
from hypothesis import strategies as st

from unibuild.machine import monitor
from unibuild.machine.ports import PortForward
from unibuild.model.errors import ActionError, HostError, UserError


def split(line: str) -> list[str]:
    """The splitter that <unibuild/image.h> describes, for comparison."""
    words: list[str] = []
    word: str | None = None
    quote = ""
    escaped = False
    for character in line:
        if escaped:
            word = (word or "") + character
            escaped = False
        elif character == "\\":
            escaped, word = True, word or ""
        elif quote:
            if character == quote:
                quote = ""
            else:
                word = (word or "") + character
        elif character in "'\"":
            quote, word = character, word or ""
        elif character.isspace():
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + character
    return words if word is None else [*words, word]


@given(st.lists(st.text(st.characters(blacklist_characters="\0", codec="utf-8"))))
def test_arguments_survive_the_command_line(words: list[str]) -> None:
    assert split(" ".join(map(monitor.quote, words))) == words


def test_command_line_holds_only_what_manifest_and_start_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(monitor, "program", lambda: Path("/bin/qemu"))
    start = monitor.Start(
        Path("/x/guest.elf"), "5M", "tcg", (PortForward(8053, 53, "udp"),), ("a b",), ("-s",)
    )
    assert monitor.command_line(manifest_data(("virtio-net-device", "virtio-rng-device")), start) == [
        "/bin/qemu",
        "-M", "microvm,x-option-roms=off,isa-serial=on,auto-kernel-cmdline=off",
        "-accel", "tcg", "-cpu", "max", "-m", "5M",
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
        "-netdev", "user,id=network,hostfwd=udp:127.0.0.1:8053-:53",
        "-device", "virtio-net-device,netdev=network",
        "-device", "virtio-rng-device",
        "-s", "-kernel", "/x/guest.elf", "-append", "a\\ b",
    ]  # fmt: skip


def test_an_image_without_network_gets_no_device() -> None:
    devices = ("virtio-net-device", "virtio-rng-device")
    assert monitor._devices(devices, "none", ()) == ["-device", "virtio-rng-device"]
    assert monitor.has_network(manifest_data(devices))
    assert not monitor.has_network({**manifest_data(devices), "network": "none"})


def test_a_static_network_is_built_around_the_guest() -> None:
    forward = (PortForward(8053, 53, "udp"),)
    assert monitor._devices(["virtio-net-pci"], "192.168.7.3/24,192.168.7.1", forward)[1] == (
        "user,id=network,net=192.168.7.0/24,host=192.168.7.1,dns=192.168.7.2"
        ",hostfwd=udp:127.0.0.1:8053-192.168.7.3:53"
    )
    assert monitor._devices(["virtio-net-pci"], "192.168.7.1/24", ())[1] == (
        "user,id=network,net=192.168.7.0/24,host=192.168.7.2,dns=192.168.7.3"
    )


@pytest.mark.parametrize(
    ("text", "size"), [("8M", 8 << 20), ("1400K", 1400 << 10), ("1G", 1 << 30)]
)
def test_memory(text: str, size: int) -> None:
    assert monitor.memory_bytes(text) == size


@pytest.mark.parametrize("text", ["", "8", "M", "0M", "8m", "-1M", "1.5G"])
def test_bad_memory(text: str) -> None:
    with pytest.raises(UserError, match="no size of memory"):
        monitor.memory_bytes(text)


@pytest.mark.parametrize(
    ("complaint", "identifier"),
    [
        ("qemu: Could not set up host forwarding rule 'tcp::80-:80'", "port-taken"),
        ("Could not access KVM kernel module: Permission denied", "kvm-unusable"),
        ("'virtio-net-device' is not a valid device model name", "monitor-lacks-device"),
        ("Error loading uncompressed kernel without PVH ELF Note", "not-bootable"),
        ("cannot set up guest memory 'pc.ram': Cannot allocate memory", "no-memory"),
        ("something new", "monitor-failed"),
    ],
)
def test_known_complaints_are_put_into_words(complaint: str, identifier: str) -> None:
    error = monitor.monitor_error(1, complaint)
    assert error.id == identifier
    assert error.hint
    assert error.detail == (complaint,)


def test_a_guest_that_vanishes_is_no_monitor_fault() -> None:
    error = monitor.monitor_error(0, "qemu: warning: TCG doesn't support x2apic\n")
    assert isinstance(error, ActionError)
    assert (error.id, error.detail) == ("guest-vanished", ())
    assert monitor.monitor_error(-9, "").id == "monitor-killed"


def test_without_qemu_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNIBUILD_QEMU", "no-such-qemu")
    monitor.program.cache_clear()
    try:
        with pytest.raises(HostError) as caught:
            monitor.program()
    finally:
        monitor.program.cache_clear()
    assert caught.value.id == "no-monitor"
    assert caught.value.hint == f"install it: {monitor.install_command()}"


def test_a_wire_takes_the_place_of_the_user_network() -> None:
    options = monitor._devices(["virtio-net-device"], "dhcp", (), Path("/a,b/wire"))
    assert options[1] == "stream,id=network,server=on,addr.type=unix,addr.path=/a,,b/wire"
