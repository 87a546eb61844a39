"""``probe.c`` compiled: what the suite has a server's workers run.

A static ELF for Linux on x86-64, so that a worker needs neither a compiler nor a shell. It is made by
the pinned toolchain with ``COMPILE`` and ``LINK``; ``tests/conformance`` makes it anew and compares.
"""

from __future__ import annotations

import base64
import zlib

COMPILE = (
    "clang -target x86_64-linux -Os -ffreestanding -fno-pic -fno-stack-protector "
    "-fno-asynchronous-unwind-tables -mno-sse -Wall -Wextra -Werror -c probe.c -o probe.o"
)
LINK = "ld.lld -static -z nognustack --build-id=none --strip-all -o probe probe.o"

_PACKED = (
    b"c-o~@&ui0g6#u4Ob?d=Y@GuZ1GElrEw(PJ?(F$ra$jy@%p+B-&)+HnPcI!drpe-"
    b"8q7kHcCAFz{TJ2Z8I1rMU$ya|fyP{APxJ<a#N{U%Mi3W5*veeZqV&+kiK9^KaN!~}u(6eHIOYFnozre}S_Sl|NK4"
    b"5(Rhf+XPSo3epTittYy_xU*ILNq0i6yaOEC7+YjATANM^FDokDn=qa9EZJb$NT#Bloa6srJ}rStW+s6t5jJiS9C&"
    b"6$)+XUvXTs=maZ$Np_74TR|^VVGYLEcA07v4k|;VYDl2*0UMoeS2;@nUYte3q>g=oaFF(6Xu796&bAklIjo8C6bu"
    b"*U|UyRp#OY3&MR}mYp!KdD{#l}}AP_cOxuI=6h&ASg_tskJKKZuDwv<?tz-"
    b"W=LC;n>ADvhy6gy3=rYDjM!Z4QJsv_{<9EV&fST7R2Uz5L}$OCt=#(m{@JL#U~whiB1a#y^B*#x4Feb?~8aHXKx2"
    b"v>mqXSILKrLnbJoPkrkhIUhc<S98n+s_G_aiRH|tlQYXhgEwytJ?e5gTY1YGc9tm^tbMWwJE#mc(Ai-"
    b"D|ilti$pa8I#BOZ0=O$_Hbj?6pn=AA?54ZA_>Cd&)G*Dk;eSboiUt2ujOLYr+@&%5y;^wqy)2eDYm8;jDaZrNqik"
    b"TMxLEzc0GY%J;4oTO>De2B=FS<2Hqk*QvzL@wAik&EW?vTlH8Kd`Aq^9Az1B=9HWZ?7P6-"
    b"q$zC==JhxBD9;4eHMoH`1o&#k;wlke60t29UonAxc(Vl|H=^V$6p?C-!MNHsvV|}9K7_Gc%S|NWdQVI"
)


def program() -> bytes:
    """Return the bytes of the executable."""
    return zlib.decompress(base64.b85decode(_PACKED))
