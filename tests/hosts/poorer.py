"""
Becomes a program on a poorer host: `python -m hosts.poorer KIND… -- PROGRAM ARGUMENT…`.

Each kind takes away for real what such a host lacks, then the next; the program that is executed
inherits the lack, and so does everything that it starts.  Nothing here is known to the service.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import sys
from typing import TYPE_CHECKING

from toolcell_worker import syscalls
from toolcell_worker.syscalls.door import call
from toolcell_worker.walls import bpf, landlock, seccomp

from hosts.landlock_version import answer_as

if TYPE_CHECKING:
    from collections.abc import Callable

ERRNO = 0x0005_0000  # SECCOMP_RET_ERRNO (linux/seccomp.h)
ALLOW = 0x7FFF_0000
NUMBERS = seccomp.MACHINES[os.uname().machine].numbers
NAMESPACE_FLAGS = 0x7E02_0000  # every CLONE_NEW* that clone(2) takes (linux/sched.h)
MOUNTING = (
    *("mount", "umount2", "pivot_root", "open_tree", "move_mount", "mount_setattr"),
    *("fsopen", "fsconfig", "fsmount", "fspick"),
)
LANDLOCK = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")
MASKED = ("/proc/kcore", "/proc/keys", "/proc/timer_list")
ROOT_IDS = "0 0 1\n1000 100000 65536\n"
MS_BIND, MS_RDONLY, MS_REMOUNT, MS_REC, MS_PRIVATE = 4096, 1, 32, 16384, 1 << 18


def refuse(names: tuple[str, ...], code: int) -> None:
    """
    An outer seccomp filter under which these system calls fail with `code`.
    """
    assembler = bpf.Assembler()
    assembler.load(bpf.NUMBER)
    for name in names:
        beyond = bpf.Label()
        assembler.jump_if_equal(NUMBERS[name], None, beyond)
        assembler.end(ERRNO | code)
        assembler.place(beyond)
    assembler.end(ALLOW)
    _load(assembler)


def no_namespaces() -> None:
    """
    As Docker's default profile for a process without CAP_SYS_ADMIN: no new namespaces, no mounts.
    """
    refuse(("unshare", "setns", *MOUNTING), errno.EPERM)
    refuse(("clone3",), errno.ENOSYS)
    assembler, beyond = bpf.Assembler(), bpf.Label()
    assembler.load(bpf.NUMBER)
    assembler.jump_if_equal(NUMBERS["clone"], None, beyond)
    assembler.load(bpf.ARGUMENTS)
    assembler.keep_bits(NAMESPACE_FLAGS)
    assembler.jump_if_equal(0, beyond)
    assembler.end(ERRNO | errno.EPERM)
    assembler.place(beyond)
    assembler.end(ALLOW)
    _load(assembler)


def no_mounts() -> None:
    """
    User namespaces, but no right to mount in them, as some AppArmor profiles have it.
    """
    refuse(MOUNTING, errno.EACCES)


def no_id_map() -> None:
    """
    unshare() succeeds, and then no id can be mapped, as with Ubuntu's AppArmor: /proc is not to be
    written.
    """
    rights = landlock.Access.WRITE_FILE
    ruleset = syscalls.landlock_create_ruleset(_FilesOnly(rights), 8, 0)
    for name in os.listdir("/"):
        if name == "proc":
            continue
        descriptor = os.open(f"/{name}", os.O_PATH | os.O_CLOEXEC)
        rule = landlock._PathBeneath(rights, descriptor)
        syscalls.landlock_add_rule(ruleset, landlock.RULE_PATH_BENEATH, rule)
        os.close(descriptor)
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.landlock_restrict_self(ruleset)
    os.close(ruleset)


def no_user_namespaces() -> None:
    """
    A host with ids to spare on which no user namespace can be made; only root can set it up.
    """
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.read(ready[0], 1)
        for kind in ("uid", "gid"):
            with open(f"/proc/{os.getppid()}/{kind}_map", "w") as file:
                file.write(ROOT_IDS)
        os.write(go[1], b"g")
        os._exit(0)
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    os.write(ready[1], b"r")
    os.read(go[0], 1)
    os.waitpid(child, 0)
    with open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")


def masked_proc() -> None:
    """
    Parts of /proc covered and others read-only, as in a container; a new /proc could not be
    mounted here.  Only root can set it up.
    """
    syscalls.unshare(syscalls.CLONE_NEWNS)
    _mount(b"none", b"/", MS_REC | MS_PRIVATE)
    for path in filter(os.path.exists, MASKED):
        _mount(b"/dev/null", path.encode(), MS_BIND)
    _mount(b"/proc/sys", b"/proc/sys", MS_BIND)
    _mount(b"none", b"/proc/sys", MS_BIND | MS_REMOUNT | MS_RDONLY)


def no_landlock() -> None:
    """
    A kernel whose Landlock is not among its security modules (landlock(7)).
    """
    refuse(LANDLOCK, errno.EOPNOTSUPP)


def no_seccomp() -> None:
    """
    A kernel without filters.
    """
    refuse(("seccomp",), errno.ENOSYS)


def unprivileged() -> None:
    """
    An ordinary user; whoever is one stays who he is.
    """
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        os.environ["HOME"] = "/tmp"


class _FilesOnly(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64),)


def _mount(source: bytes, target: bytes, flags: int) -> None:
    call("mount", source, target, None, flags, None)


def _load(assembler: bpf.Assembler) -> None:
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    seccomp.load(assembler.assemble())


KINDS: dict[str, Callable[[], None]] = {
    "no_namespaces": no_namespaces,
    "no_mounts": no_mounts,
    "no_id_map": no_id_map,
    "no_user_namespaces": no_user_namespaces,
    "masked_proc": masked_proc,
    "no_landlock": no_landlock,
    "no_seccomp": no_seccomp,
    "unprivileged": unprivileged,
    **{f"landlock_{version}": functools.partial(answer_as, version) for version in range(1, 7)},
}


def main(arguments: list[str]) -> None:
    """
    Take away what the kinds name, and become the program.
    """
    end = arguments.index("--")
    for kind in arguments[:end]:
        KINDS[kind]()
    program = arguments[end + 1 :]
    os.execv(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1:])
