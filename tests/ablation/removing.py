"""
Takes walls away from a zygote, from inside of it, before it begins.

Theory of operation.  Production code has no switch that turns a wall off.  The interpreter that a
bundle names is the one door: the ablation names a script (`wrapping.py`) that runs this first, in
the same process, and then the zygote.  Here functions of the walls are replaced by ones that do
nothing.  What another wall needs stays: no_new_privs, without which Landlock and seccomp cannot be
loaded, is set although it belongs to the privileges.

A wall counts as off with everything that belongs to it, wherever its code lies: without identity
cells are the service's own user, root if it is root, and without environment the zygote was
started with the service's (`column.py`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from typing import TYPE_CHECKING, Any

from toolcell_worker import enclosing, forking, steps, syscalls, template, zygote
from toolcell_worker.walls import (
    descriptors,
    environment,
    identity,
    landlock,
    landlock_rules,
    listening,
    mounts,
    namespaces,
    network,
    privileges,
    rlimits,
    seccomp,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import NoReturn

    from toolcell_worker.steps import Steps, Value
    from toolcell_worker.surroundings import Surroundings

ONLY_LOOPBACK = [(1, "lo")]
_unshare, _verify, _check = syscalls.unshare, namespaces.verify, namespaces.add_check
_enter_zygote, _names = zygote.enter, socket.if_nameindex
_same: set[str] = set()  # kinds of namespace that are not left
_flags: list[int] = []


def remove(walls: Iterable[str]) -> None:
    """
    Take these walls away.
    """
    _replace(syscalls, "unshare", _unshare_what_is_left)
    _replace(namespaces, "verify", _verify_what_is_left)
    _replace(namespaces, "add_check", _check_what_is_left)
    for wall in walls:
        REMOVALS[wall]()


def _replace(owner: object, name: str, other: object) -> None:
    assert hasattr(owner, name), f"there is no {name} any more"
    setattr(owner, name, other)


def _nothing(*_: object, **__: object) -> Any:
    return None


def _keep_namespace(kind: str, flag: int) -> None:
    _same.add(kind)
    _flags.append(flag)


def _unshare_what_is_left(flags: int) -> None:
    left = flags & ~sum(_flags)
    if left:
        _unshare(left)


def _verify_what_is_left(kind: str, proc: int, outside: dict[str, int]) -> None:
    if kind not in _same:
        _verify(kind, proc, outside)


def _check_what_is_left(steps: Steps, kind: str, proc: int, outside: dict[str, int]) -> None:
    if kind not in _same:
        _check(steps, kind, proc, outside)


def _not_together(flag: int) -> None:
    """
    A whole cell enters several kinds of namespaces at once.
    """
    assert namespaces.TOGETHER & flag, "that kind is entered elsewhere"
    _replace(namespaces, "TOGETHER", namespaces.TOGETHER & ~flag)


def _identity() -> None:
    """
    No namespace of users, and no id but the service's own.
    """
    _keep_namespace("user", syscalls.CLONE_NEWUSER)
    _replace(identity, "enter_namespace", lambda _identity, further=0: syscalls.unshare(further))
    _replace(identity, "become_root", _nothing)
    _replace(identity, "assume", _nothing)
    _replace(identity, "add_steps", _nothing)
    _replace(identity, "cell_id", lambda _slot: 0)
    _replace(identity, "USER_INSIDE", 0)


def _mounts() -> None:
    """
    The host's tree, in which nothing is hidden, read-only or private.
    """
    _replace(template, "build", _unbuilt)
    _replace(mounts, "prepare", _nothing)
    _replace(mounts, "build", _nothing)
    _replace(mounts, "add_steps", _nothing)
    # Landlock refuses a scratch that is not the cell's own, as it is only with mounts.
    _replace(landlock_rules, "_scratch", lambda *_: landlock.SCRATCH)
    _replace(landlock, "_add_scratch", _add_any_scratch)


def _add_any_scratch(
    steps: Steps, ruleset: Value, path: str, access: landlock.Access, _own: Value
) -> None:
    rule = landlock._rule(landlock._place(path), access)
    steps.call("landlock_add_rule", ruleset, landlock.RULE_PATH_BENEATH, rule, 0, what=path)


def _unbuilt(
    binds: list[template.Bind], _links: list[tuple[str, str]], roots: tuple[str, ...]
) -> template.Template:
    runtime = tuple(sorted(bind.path for bind in binds if bind.path not in template.DEVICES))
    for bind in binds:
        os.close(bind.tree)
    return template.Template(runtime=runtime, roots=roots)


def _processes() -> None:
    """
    No namespace of processes and no init, whose end would end the others.
    """
    _keep_namespace("pid", syscalls.CLONE_NEWPID)
    _replace(forking.Forking, "_born", _born_beside_us)


def _born_beside_us(
    self: forking.Forking, live: Callable[[Surroundings], NoReturn], *, own: bool
) -> forking.Born:
    group = self._make_group()
    return forking.Born(self._fork(live, group), group)


def _network() -> None:
    """
    The host's network, whose ports and routes stay as they are.
    """
    _keep_namespace("net", syscalls.CLONE_NEWNET)
    _replace(zygote, "enter", _enter_any_network)
    _replace(network, "bring_up", _nothing)
    _replace(network, "listeners", _listen_where_nobody_calls)


def _listen_where_nobody_calls(ports: Sequence[int]) -> tuple[socket.socket, ...]:
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind((network.LOOPBACK, 0))
    places = [(network.LOOPBACK, 0)] * (1 + len(ports))
    return (names, *map(socket.create_server, places))


def _enter_any_network(*arguments: Any) -> template.Template:
    _replace(socket, "if_nameindex", lambda: ONLY_LOOPBACK)
    try:
        return _enter_zygote(*arguments)
    finally:
        _replace(socket, "if_nameindex", _names)


def _ipc() -> None:
    _keep_namespace("ipc", syscalls.CLONE_NEWIPC)
    _not_together(syscalls.CLONE_NEWIPC)


def _hostname() -> None:
    _keep_namespace("uts", syscalls.CLONE_NEWUTS)
    _not_together(syscalls.CLONE_NEWUTS)
    _replace(socket, "sethostname", _nothing)
    _leave_out("sethostname")


def _leave_out(*names: str) -> None:
    """
    Of a whole cell's steps.
    """
    call = steps.Steps.call

    def kept(self: steps.Steps, name: str, *arguments: Any, what: str = "") -> Value:
        return steps.Value(0) if name in names else call(self, name, *arguments, what=what)

    _replace(steps.Steps, "call", kept)


def _landlock() -> None:
    _replace(landlock, "restrict", lambda *_, **__: 0)
    _replace(landlock, "add_steps", _nothing)


def _seccomp() -> None:
    """
    No filter, for the init neither.
    """
    _replace(listening, "available", lambda: False)
    _replace(seccomp, "load", _nothing)
    _replace(enclosing, "_load_filter", _nothing)
    _replace(listening, "add_step", lambda *_, **__: steps.Value(0))


def _privileges() -> None:
    _replace(privileges, "drop_bounding", _nothing)
    _replace(privileges, "drop", _only_no_new_privileges)
    _replace(privileges, "add_steps", _add_only_no_new_privileges)


def _only_no_new_privileges() -> None:
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)


def _add_only_no_new_privileges(given: Steps, *, bounding: bool) -> None:
    given.call("prctl", syscalls.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _rlimits() -> None:
    _replace(rlimits, "set_for", _nothing)
    _replace(rlimits, "set_open_files", _nothing)
    _replace(rlimits, "add_steps", _nothing)
    _replace(rlimits, "add_open_files", _nothing)


def _resources() -> None:
    """
    No control group; the watchdog is the server's (`column.py`).
    """
    _replace(forking.Forking, "_make_group", _nothing)


def _descriptors() -> None:
    _replace(descriptors, "place", _place_and_close_nothing)
    _leave_out("close_range")


def _place_and_close_nothing(wanted: Mapping[int, int]) -> None:
    moved = {n: fcntl.fcntl(d, fcntl.F_DUPFD_CLOEXEC, descriptors.FAR) for n, d in wanted.items()}
    for number, descriptor in moved.items():
        with contextlib.suppress(OSError):
            os.dup(number)  # what lay there stays open
        os.dup2(descriptor, number, inheritable=number < descriptors.STANDARD)


def _environment() -> None:
    _replace(environment, "declare", _nothing)  # for whole cells too, in the zygote


REMOVALS: dict[str, Callable[[], None]] = {
    "identity": _identity,
    "mounts": _mounts,
    "processes": _processes,
    "network": _network,
    "ipc": _ipc,
    "hostname": _hostname,
    "landlock": _landlock,
    "seccomp": _seccomp,
    "privileges": _privileges,
    "rlimits": _rlimits,
    "resources": _resources,
    "descriptors": _descriptors,
    "environment": _environment,
}
