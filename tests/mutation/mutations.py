"""
How each wall is removed from the code, of spares (`enclosing.py`) and of whole cells
(`whole.py`), and which attacks of the battery then do harm.
"""

from __future__ import annotations

from dataclasses import dataclass

_WORKER = "sandbox_worker/toolcell_worker"
_TOGETHER = "TOGETHER = syscalls.CLONE_NEWNS | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWUTS\n"
_KINDS = '(("mounts", "mnt"), ("ipc", "ipc"), ("hostname", "uts"))'


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


def _without_namespace(wall: str, kind: str, flag: str) -> tuple[Edit, ...]:
    """
    Of a whole cell, which enters several kinds at once.
    """
    return (
        Edit(f"{_WORKER}/walls/namespaces.py", _TOGETHER, _TOGETHER.replace(flag, "CLONE_NEWNS")),
        Edit(f"{_WORKER}/whole.py", _KINDS, _KINDS.replace(f', ("{wall}", "{kind}")', "")),
    )


MUTATIONS = (
    Mutation(
        "identity",
        (
            Edit(
                f"{_WORKER}/enclosing.py",
                "        _assume_identity(channels.slot, around)\n",
                "        pass\n",
            ),
            Edit(
                f"{_WORKER}/whole.py",
                "        identity.add_steps(steps, self._id, ranged=self._ranged, "
                "proc=around.proc)\n",
                "",
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
            Edit(
                f"{_WORKER}/whole.py",
                "        mounts.add_steps(steps, self.grant, around.template, self._owner)\n",
                "",
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
                "            if not self.around.make.namespaces:\n                return Born(",
                "            if True:\n                return Born(",
            ),
            Edit(
                f"{_WORKER}/enclosing.py",
                '            namespaces.verify("pid", proc, outside)\n',
                "            pass\n",
            ),
            Edit(
                f"{_WORKER}/whole.py",
                '        namespaces.add_check(steps, "pid", around.proc, around.outside)\n',
                "",
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
            *_without_namespace("ipc", "ipc", "CLONE_NEWIPC"),
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
            *_without_namespace("hostname", "uts", "CLONE_NEWUTS"),
            Edit(
                f"{_WORKER}/whole.py",
                '        steps.call("sethostname", HOSTNAME.encode(), len(HOSTNAME))\n',
                "",
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
            Edit(
                f"{_WORKER}/whole.py",
                "            landlock.add_steps(steps, rules, scratch, ports, self._id)\n",
                "            del rules, scratch, ports\n",
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
            Edit(
                f"{_WORKER}/whole.py",
                "        listener = listening.add_step(steps, program, observed=around.observed)\n"
                "        if around.observed:\n"
                "            _hand_over(steps, listener, self._kept)\n",
                "        del program\n",
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
                f"{_WORKER}/whole.py",
                "        privileges.add_steps(steps, bounding=not self._ranged)\n",
                '        steps.call("prctl", 38, 1, 0, 0, 0)\n',  # PR_SET_NO_NEW_PRIVS
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
            Edit(
                f"{_WORKER}/whole.py",
                "        rlimits.add_steps(steps, self.grant, around.baseline_bytes)\n",
                "",
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
                "        if watchdog:\n",
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
            Edit(
                f"{_WORKER}/walls/descriptors.py",
                '    return steps.call("close_range", len(wanted), 2**32 - 1, 0)\n',
                '    return steps.call("close_range", 2**31, 2**32 - 1, 0)\n',
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
            Edit(
                f"{_WORKER}/whole.py",
                "            environment.declare(self._declared)\n",
                "",
            ),
        ),
        "environment",
    ),
)
