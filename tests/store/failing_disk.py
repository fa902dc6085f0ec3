"""A disk that fails, for the calling thread only: the kernel itself refuses its calls on some files (seccomp)."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from pathlib import Path

import pytest

# System call numbers: fsync and fdatasync; write and pwrite64.
SYNC = {"x86_64": (74, 75), "aarch64": (82, 83)}
WRITE = {"x86_64": (1, 18), "aarch64": (64, 68)}
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2


def descriptors(path: Path) -> set[int]:
    """Where this process has the file open (SQLite's own; opening and closing it here would drop SQLite's locks)."""
    links = list(Path("/proc/self/fd").iterdir())
    return {int(link.name) for link in links if os.path.realpath(link) == str(path.resolve())}


def fail(calls: dict[str, tuple[int, int]], path: Path, error: int) -> None:
    """From now on these calls on this file fail with this errno in this thread; there is no way back."""
    first, second = calls.get(platform.machine()) or pytest.skip(f"system calls of {platform.machine()} not known")
    files = sorted(descriptors(path))
    assert files, path
    allow, refuse = (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERRNO | error)
    # Each test jumps to `refuse`, past the tests behind it and past `allow`; offset 16 is the first argument.
    which = [(_EQUAL, len(files) - n, 0, file) for n, file in enumerate(files)]
    argument = [(_LOAD, 0, 0, 16), *which, allow, refuse]
    _install([(_LOAD, 0, 0, 0), (_EQUAL, 1, 0, first), (_EQUAL, 0, len(argument), second), *argument, allow])


def _install(program: list[tuple[int, int, int, int]]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in program))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(_SET_SECCOMP, _FILTER, header, 0, 0):
        pytest.skip(f"system calls cannot be filtered here: {os.strerror(ctypes.get_errno())}")
