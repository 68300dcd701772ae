"""
Attacks on the kernel: what rules the machine, terminals, and calls by other numbers than ours.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import platform
import struct
from typing import TYPE_CHECKING, Any

from toolcell_worker.battery.knocking import LIBC, Knocking

if TYPE_CHECKING:
    from collections.abc import Callable

BAD = -1  # a descriptor that is none
NOBODYS_CLOCK = 99
TIOCSTI, TIOCSETD, TIOCLINUX = 0x5412, 0x5423, 0x541C  # asm-generic/ioctls.h
ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC = 0x004_0000, 0x040_0000  # linux/personality.h
MAP_32BIT = 0x40
# int(number, first, second, third): the registers of a 64-bit call, moved to where int 0x80 wants
# them.  push rbx; mov eax, edi; mov ebx, esi; xchg edx, ecx; int 0x80; pop rbx; ret
BY_INTERRUPT = bytes.fromhex("53 89f8 89f3 87ca cd80 5b c3")
# mov eax, edi; syscall; ret
BY_SYSCALL = bytes.fromhex("89f8 0f05 c3")
X32 = 0x4000_0000  # __X32_SYSCALL_BIT
OLD_READ, OLD_OPEN, OLD_GETPID = 3, 5, 20  # asm/unistd_32.h


def hand_the_kernel_over(_plan: dict[str, Any]) -> Any:
    """
    Modules, another kernel, a restart: each with arguments that the kernel turns down.
    """
    knocking = Knocking()
    knocking.call("init_module", None, 0, b"")
    knocking.call("finit_module", BAD, b"", 0x7FFF)
    knocking.call("delete_module", b"no module has this name", 0)
    knocking.call("kexec_load", 0, 1000, None, 0x8000)
    knocking.call("kexec_file_load", BAD, BAD, 0, None, 0x8000)
    knocking.call("reboot", 0, 0, 0, None)  # without the magic numbers
    return knocking.answers


def swap_to_a_file(_plan: dict[str, Any]) -> Any:
    """
    A swap file of one's own holds the memory of others.
    """
    knocking = Knocking()
    knocking.call("swapon", None, 0x7FFF_0000)
    knocking.call("swapoff", None)
    return knocking.answers


def set_the_clock(_plan: dict[str, Any]) -> Any:
    """
    The clock of the host, by every call that sets it.
    """
    knocking = Knocking()
    knocking.call("clock_settime", NOBODYS_CLOCK, None)
    knocking.call("clock_adjtime", NOBODYS_CLOCK, None)
    knocking.call("settimeofday", 1, None)
    knocking.call("adjtimex", None)
    return knocking.answers


def type_into_the_terminal(_plan: dict[str, Any]) -> Any:
    """
    TIOCSTI types for the user; TIOCLINUX and TIOCSETD reach drivers.  Of a terminal if one can be
    had, of the standard streams and the channel anyway.
    """
    knocking = Knocking()
    number = struct.pack("=i", 0)
    for descriptor in _terminals():
        for request, argument in ((TIOCSTI, b"x"), (TIOCLINUX, b"\x06"), (TIOCSETD, number)):
            try:
                fcntl.ioctl(descriptor, request, argument)
            except OSError as exc:
                if exc.errno != errno.EBADF:
                    knocking.note(f"ioctl {request:#x}", -1, exc.errno or 0)
            else:
                knocking.note(f"ioctl {request:#x}", 0, 0)
    return knocking.answers


def lay_memory_out_predictably(_plan: dict[str, Any]) -> Any:
    """
    This call switches the randomness of addresses off, and makes what can be read runnable.
    """
    knocking = Knocking()
    for persona in (ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC, 0x8, 0):  # 8: of 32 bits
        knocking.call("personality", persona)
    return knocking.answers


def change_the_descriptor_table(_plan: dict[str, Any]) -> Any:
    """
    modify_ldt is old code that few need and many have broken; so are the ports of the hardware.
    """
    knocking = Knocking()
    buffer = ctypes.create_string_buffer(16)
    knocking.call("modify_ldt", 0, buffer, 16)
    knocking.call("modify_ldt", 1, buffer, 3)
    knocking.call("ioperm", 70_000, 1, 1)
    knocking.call("iopl", 9)
    return knocking.answers


def call_by_the_old_interrupt(_plan: dict[str, Any]) -> Any:
    """
    Calls by int 0x80 have the numbers of 32-bit programs: getpid there is writev here.
    """
    knocking = Knocking()
    call = _machine_code(BY_INTERRUPT)
    knocking.say("trying int 0x80")
    knocking.note("int 0x80 getpid", call(OLD_GETPID, 0, 0, 0), 0)
    return knocking.answers


def open_a_file_by_the_old_interrupt(plan: dict[str, Any]) -> Any:
    """
    The same, to open and read a file past the rules for open.
    """
    knocking = Knocking()
    call = _machine_code(BY_INTERRUPT)
    page, address = _low_page()
    page[: len(plan["path"]) + 1] = plan["path"].encode() + b"\0"
    knocking.say("trying int 0x80")
    descriptor = call(OLD_OPEN, address, 0, 0)
    knocking.note("int 0x80 open", descriptor, -descriptor)
    length = call(OLD_READ, descriptor, address, 4096)
    return [*knocking.answers, bytes(page[: max(0, length)]).decode(errors="replace")]


def call_by_x32_numbers(_plan: dict[str, Any]) -> Any:
    """
    The x32 bit makes another table of the same system calls.  Any answer at all is too much.
    """
    knocking = Knocking()
    call = _machine_code(BY_SYSCALL)
    knocking.say("trying x32")
    knocking.say(f"reached: x32 getpid answered {call(X32 | 39, 0, 0, 0)}")
    return knocking.answers


def _machine_code(code: bytes) -> Callable[[int, int, int, int], int]:
    """
    Machine code as a function.  The page is never given back.
    """
    if platform.machine() != "x86_64":
        raise NotImplementedError("this is code for x86_64")
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    kept.append(page)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_uint] * 4)(address)


kept: list[mmap.mmap] = []


def _low_page() -> tuple[Any, int]:
    """
    A page whose address fits into 32 bits, and that address.
    """
    LIBC.mmap.restype = ctypes.c_void_p
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_32BIT
    length = ctypes.c_size_t(mmap.PAGESIZE)
    address = LIBC.mmap(None, length, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, ctypes.c_long(0))
    return (ctypes.c_char * mmap.PAGESIZE).from_address(address), int(address)


def _terminals() -> list[int]:
    # Never that of whoever runs this.
    found = [descriptor for descriptor in range(4) if not os.isatty(descriptor)]
    try:
        return [*os.openpty(), *found]
    except OSError:
        return found
