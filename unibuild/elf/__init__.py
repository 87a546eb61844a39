"""What ELF files tell: a linked image about its bytes, a Linux program about its system calls.

Segments, symbols, link map, and who brought each byte (``layout`` … ``attribution``); whether a file is
a program at all (``validation``), which libraries it needs (``libraries``), and which system calls it can
make (``system_calls``, on top of ``program``, ``reach`` and ``values``). Nothing here knows of targets or of
machines; labels come in only as names of archives.
"""
