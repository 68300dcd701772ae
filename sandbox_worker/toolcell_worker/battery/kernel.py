"""
Attacks on the kernel: large or powerful parts of it that no tool needs.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import stat
import struct
from typing import Any

from toolcell_worker.battery.knocking import Knocking

BAD = -1  # a descriptor that is none
CLOEXEC = 0o2000000
PROCESS_KEYRING, SESSION_KEYRING, USER_KEYRING = -2, -3, -4  # linux/keyctl.h
SO_ATTACH_FILTER, SO_ATTACH_BPF = 26, 50  # asm-generic/socket.h
PR_SET_SECCOMP = 22
LISTENER = 1 << 3  # SECCOMP_FILTER_FLAG_NEW_LISTENER


def open_an_io_uring(_plan: dict[str, Any]) -> Any:
    """
    Requests in its ring are carried out past every filter of system calls.
    """
    knocking = Knocking()
    parameters = ctypes.create_string_buffer(120)
    ring = knocking.call("io_uring_setup", 4, parameters)
    knocking.call("io_uring_setup", 0, None)
    knocking.call("io_uring_enter", ring, 0, 0, 0, None, 0)
    knocking.call("io_uring_register", ring, 0x7FFF, None, 0)
    return knocking.answers


def load_a_bpf_program(_plan: dict[str, Any]) -> Any:
    """
    Programs and maps of one's own in the kernel.
    """
    knocking = Knocking()
    array = struct.pack("=IIII", 2, 4, 4, 1) + bytes(112)  # BPF_MAP_TYPE_ARRAY of one number
    knocking.call("bpf", 0, array, len(array))  # BPF_MAP_CREATE
    knocking.call("bpf", 1, struct.pack("=iIQQQ", BAD, 0, 0, 0, 0), 32)  # BPF_MAP_LOOKUP_ELEM
    knocking.call("bpf", 5, bytes(128), 128)  # BPF_PROG_LOAD of nothing
    knocking.call("bpf", 7, None, 9999)  # BPF_OBJ_GET
    return knocking.answers


def hang_a_filter_on_a_socket(_plan: dict[str, Any]) -> Any:
    """
    Classic BPF needs no bpf(2): any socket takes it as an option, the cell's own channel too.
    """
    knocking = Knocking(frozenset({errno.EPERM, errno.ENOSYS, errno.ENOPROTOOPT}))
    instruction = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0xFFFF), 8)
    program = struct.pack("=H6xQ", 1, ctypes.addressof(instruction))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for descriptor in (3, ours.fileno()):
            if not _is_a_socket(descriptor):
                continue
            for option in (SO_ATTACH_FILTER, SO_ATTACH_BPF):
                where = (descriptor, socket.SOL_SOCKET, option)
                knocking.call("setsockopt", *where, program, len(program))
    return knocking.answers


def handle_page_faults(_plan: dict[str, Any]) -> Any:
    """
    A userfaultfd stops the kernel in the middle of its work, which makes races easy to win.
    """
    knocking = Knocking()
    for flags in (1 | CLOEXEC, CLOEXEC, 0x7FFF):  # UFFD_USER_MODE_ONLY first: anybody may
        knocking.call("userfaultfd", flags)
    return knocking.answers


def leave_a_key_behind(plan: dict[str, Any]) -> Any:
    """
    A key in the keyring of a user outlives the process, and others of the same id find it.
    """
    knocking = Knocking()
    name = str(plan.get("name", "toolcell")).encode()
    for ring in (PROCESS_KEYRING, USER_KEYRING):
        key = knocking.call("add_key", b"user", name, b"left", 4, ring)
        knocking.call("keyctl", 3, key)  # KEYCTL_REVOKE: it need not stay
    knocking.call("request_key", b"user", name, None, 0)
    knocking.call("add_key", None, None, None, 0, 0)
    return knocking.answers


def join_a_keyring(_plan: dict[str, Any]) -> Any:
    """
    A session keyring is shared by everybody who descends from whoever made it.
    """
    knocking = Knocking()
    knocking.call("keyctl", 0, SESSION_KEYRING, 0)  # KEYCTL_GET_KEYRING_ID
    knocking.call("keyctl", 1, b"toolcell")  # KEYCTL_JOIN_SESSION_KEYRING
    knocking.call("keyctl", 6, 1, None, 0)  # KEYCTL_DESCRIBE
    return knocking.answers


def count_performance_events(_plan: dict[str, Any]) -> Any:
    """
    Counters of the processor tell what others do, and their code has had many holes.
    """
    knocking = Knocking()
    attributes = struct.pack("=IIQ", 1, 112, 0) + bytes(96)  # PERF_TYPE_SOFTWARE
    knocking.call("perf_event_open", attributes, 0, -1, -1, 0)
    knocking.call("perf_event_open", None, 0, -1, -1, 0)
    return knocking.answers


def answer_for_the_filter(_plan: dict[str, Any]) -> Any:
    """
    A filter with a listener of one's own could answer the system calls of programs it starts.
    """
    knocking = Knocking()
    knocking.call("seccomp", 2, 0, struct.pack("=I", 0x7FFF0000))  # SECCOMP_GET_ACTION_AVAIL
    knocking.call("seccomp", 1, LISTENER, None)
    knocking.call("prctl", PR_SET_SECCOMP, 2, 0, 0, 0)
    return knocking.answers


def pile_up_landlock_rulesets(_plan: dict[str, Any]) -> Any:
    """
    Rulesets are kernel memory that no limit counts.
    """
    knocking = Knocking()
    knocking.call("landlock_create_ruleset", None, 0, 1)
    knocking.call("landlock_restrict_self", BAD, 0)
    return knocking.answers


def compare_processes(_plan: dict[str, Any]) -> Any:
    """
    The call kcmp orders the addresses of the kernel's own objects.
    """
    knocking = Knocking()
    own = os.getpid()
    knocking.call("kcmp", own, own, 1, 0, 0)  # KCMP_VM
    knocking.call("kcmp", own, own, 99, 0, 0)
    return knocking.answers


def advise_other_processes(_plan: dict[str, Any]) -> Any:
    """
    process_madvise takes the pages of another process away.
    """
    knocking = Knocking()
    knocking.call("process_madvise", BAD, None, 0, 0, 0)
    knocking.call("process_mrelease", BAD, 0)
    knocking.call("process_vm_readv", os.getpid(), None, 0, None, 0, 1)
    return knocking.answers


def move_pages_between_nodes(_plan: dict[str, Any]) -> Any:
    """
    Where memory lies tells which pages are shared, and moving it slows others.
    """
    knocking = Knocking()
    knocking.call("move_pages", 0, 0, None, None, None, 0)
    knocking.call("migrate_pages", 0, 0, None, None)
    knocking.call("mbind", 0, 0, 99, None, 0, 0)
    knocking.call("set_mempolicy", 99, None, 0)
    return knocking.answers


def be_traced(_plan: dict[str, Any]) -> Any:
    """
    Whoever is traced lets its tracer change system calls after the filter has seen them.
    """
    knocking = Knocking()
    knocking.call("ptrace", 0x4206, 0x7FFFFFFF, 0, 0)  # PTRACE_SEIZE: of nobody
    knocking.call("ptrace", 0, 0, 0, 0)  # PTRACE_TRACEME
    return knocking.answers


def _is_a_socket(descriptor: int) -> bool:
    with contextlib.suppress(OSError):
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    return False
