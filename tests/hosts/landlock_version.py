"""
Answers, in the kernel's place, which version of Landlock there is.

A process cannot be given an older Landlock, but it can be told of one: a supervisor takes its
question (landlock_create_ruleset(2) with the flag for the version) by SECCOMP_RET_USER_NOTIF and
answers itself; every other ruleset goes through.  Code that then uses a right of a later version
is found out by the kernel matrix, whose kernels really lack it.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
import struct

from toolcell_worker import syscalls
from toolcell_worker.syscalls.door import call
from toolcell_worker.walls import bpf, seccomp

USER_NOTIF, ALLOW = 0x7FC0_0000, 0x7FFF_0000  # SECCOMP_RET_* (linux/seccomp.h)
NEW_LISTENER = 1 << 3  # SECCOMP_FILTER_FLAG_NEW_LISTENER
RECEIVE, SEND = 0xC050_2100, 0xC018_2101  # SECCOMP_IOCTL_NOTIF_*
# struct seccomp_notif: id, pid, flags, then struct seccomp_data (number, architecture, pointer,
# six arguments); struct seccomp_notif_resp: id, value, error, flags.
NOTIFICATION, ANSWER = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")
CONTINUE = 1
VERSION_QUESTION = 1  # LANDLOCK_CREATE_RULESET_VERSION


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def answer_as(version: int) -> None:
    """
    From now on this process and all it starts are told of this version.  A supervisor stays
    behind for as long as any of them lives.
    """
    ours, theirs = socket.socketpair()
    if os.fork() != 0:  # the parent becomes the program: whoever waits for it waits for that
        listener = _listen()
        socket.send_fds(ours, [b"l"], [listener])
        os.close(listener)
        ours.close()
        theirs.close()
        return
    ours.close()
    _, (listener,), _, _ = socket.recv_fds(theirs, 1, 1)
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):  # whoever reads what the program says must see its end
        os.dup2(null, standard)
    os.setsid()
    try:
        while _answer(listener, version):
            pass
    finally:
        os._exit(0)


def _listen() -> int:
    assembler, other = bpf.Assembler(), bpf.Label()
    assembler.load(bpf.NUMBER)
    number = seccomp.MACHINES[os.uname().machine].numbers["landlock_create_ruleset"]
    assembler.jump_if_equal(number, None, other)
    assembler.end(USER_NOTIF)
    assembler.place(other)
    assembler.end(ALLOW)
    program = assembler.assemble()
    buffer = ctypes.create_string_buffer(program, len(program))
    length = len(program) // bpf.INSTRUCTION.size
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    loaded = _Program(length, ctypes.addressof(buffer))
    return call("seccomp", seccomp.SET_MODE_FILTER, NEW_LISTENER, loaded)


def _answer(listener: int, version: int) -> bool:
    """
    Take one question; false when nobody is left to ask.
    """
    asked = bytearray(NOTIFICATION.size)
    try:
        fcntl.ioctl(listener, RECEIVE, asked)
        number, *_, first, _, flags, _, _, _ = NOTIFICATION.unpack(asked)
        mine = first == 0 and flags & VERSION_QUESTION
        answer = ANSWER.pack(number, version if mine else 0, 0, 0 if mine else CONTINUE)
        fcntl.ioctl(listener, SEND, bytearray(answer))
    except FileNotFoundError:  # the asker died meanwhile, or all of them
        return _alive(listener)
    return True


def _alive(listener: int) -> bool:
    poller = select.poll()
    poller.register(listener, select.POLLIN)
    return not any(event & select.POLLHUP for _, event in poller.poll(0))
