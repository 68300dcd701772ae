"""
How each wall is removed from the code, and which attacks of the battery then do harm.
"""

from __future__ import annotations

from dataclasses import dataclass

_WORKER = "sandbox_worker/toolcell_worker"


@dataclass(frozen=True, slots=True)
class Edit:
    """
    A piece of a file, which must be there exactly once, and what takes its place.
    """

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """
    A wall without which tests must fail: `tests`, parts of names as for `pytest -k`, and `attacks`
    that rest on it (docs/ablation.md).
    """

    wall: str
    edits: tuple[Edit, ...]
    tests: str
    attacks: tuple[str, ...] = ()


MUTATIONS = (
    Mutation(
        "identity",
        (
            Edit(
                f"{_WORKER}/enclosing.py",
                "        _assume_identity(grant.slot, around)\n",
                "        pass\n",
            ),
        ),
        "user or out_of_reach",
    ),
    Mutation(
        "mounts",
        (
            Edit(
                f"{_WORKER}/template.py",
                '    syscalls.make_private("/")\n',
                "    return Template(tuple(bind.path for bind in binds[: -len(DEVICES)]), roots)\n",
            ),
            Edit(f"{_WORKER}/enclosing.py", "            mounts.prepare(around.template)\n", ""),
            Edit(
                f"{_WORKER}/enclosing.py",
                "            mounts.build(grant, channels.trees, around.template, owner)\n",
                "            del owner\n",
            ),
        ),
        "mnt or leaves_behind or out_of_reach or disk",
        ("measure_a_file_beside_a_granted_one", "find_what_an_earlier_call_left"),
    ),
    Mutation(
        "processes",
        (
            Edit(
                f"{_WORKER}/forking.py",
                "            if self.around.make.namespaces:\n",
                "            if False:\n",
            ),
            Edit(
                f"{_WORKER}/enclosing.py",
                '            namespaces.verify("pid", proc, outside)\n',
                "            pass\n",
            ),
        ),
        "pid or second_process or leaves_running",
        ("leave_a_daemon", "hold_the_pipes"),
    ),
    Mutation(
        "network",
        (
            Edit(
                f"{_WORKER}/zygote.py",
                "syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET |",
                "syscalls.CLONE_NEWNS |",
            ),
            Edit(
                f"{_WORKER}/zygote.py",
                '        namespaces.verify("net", proc, outside)\n'
                '        if socket.if_nameindex() != [(1, "lo")]:\n',
                '        if socket.if_nameindex()[0] != (1, "lo"):\n',
            ),
        ),
        "net",
    ),
    Mutation(
        "ipc",
        (
            Edit(
                f"{_WORKER}/enclosing.py",
                '            namespaces.enter("ipc", proc, outside)\n',
                "            pass\n",
            ),
        ),
        "ipc",
    ),
    Mutation(
        "hostname",
        (
            Edit(
                f"{_WORKER}/enclosing.py",
                '            namespaces.enter("uts", proc, outside)\n'
                "            socket.sethostname(HOSTNAME)\n",
                "            pass\n",
            ),
        ),
        "uts",
    ),
    Mutation(
        "landlock",
        (
            Edit(
                f"{_WORKER}/enclosing.py",
                "            rules = _landlock_rules(grant, channels, around)\n"
                "            landlock.restrict(rules, _ports(grant))\n",
                "            pass\n",
            ),
        ),
        "out_of_reach",
        ("plant_a_link_in_a_granted_folder",),
    ),
    Mutation(
        "seccomp",
        (
            Edit(
                f"{_WORKER}/enclosing.py",
                "        _load_filter(grant, around, channel)\n",
                "        pass\n",
            ),
        ),
        "out_of_reach",
        ("open_an_io_uring", "call_by_the_old_interrupt", "make_a_datagram_pair"),
    ),
    Mutation(
        "privileges",
        (
            Edit(
                f"{_WORKER}/enclosing.py",
                "        privileges.drop()\n",
                "        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)\n",
            ),
            Edit(
                f"{_WORKER}/zygote.py",
                "        privileges.drop_bounding()\n",
                "        pass\n",
            ),
        ),
        "out_of_reach",
    ),
    Mutation(
        "rlimits",
        (
            Edit(
                f"{_WORKER}/enclosing.py",
                "        rlimits.set_for(grant, around.baseline_bytes, alone=alone)\n",
                "        del alone\n",
            ),
        ),
        "bounded or limit",
        ("reserve_address_space", "write_one_large_file"),
    ),
    Mutation(
        "resources",
        (
            Edit(
                "server/toolcell_server/attending.py",
                "        with watchdog.watching(self._watch):\n",
                "        with contextlib.nullcontext():\n",
            ),
        ),
        "bounded",
        ("hide_its_memory_by_its_name",),
    ),
    Mutation(
        "descriptors",
        (
            Edit(
                f"{_WORKER}/walls/descriptors.py",
                "    syscalls.close_range(len(wanted))\n",
                "",
            ),
        ),
        "descriptors",
    ),
    Mutation(
        "environment",
        (
            Edit(
                f"{_WORKER}/enclosing.py",
                "        environment.declare(dict(grant.environment))\n",
                "",
            ),
        ),
        "environment",
    ),
)
