"""
The walls of a cell, in the order in which they are built.

`prepare` builds what is the same for every call, `enclose` the rest, outermost first.  What is
built is what the zygote's make names, which the server proved at start and reports.
"""

from __future__ import annotations

import _random
import contextlib
import io
import os
import random
import signal
import socket
import sys
from typing import TYPE_CHECKING

from toolcell_worker import syscalls, wire
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
from toolcell_worker.walls.failure import building
from toolcell_worker.wire import Frame

if TYPE_CHECKING:
    from toolcell_worker.surroundings import Channels, Surroundings
    from toolcell_worker.wire import CellGrant

HOSTNAME = "cell"
# The generator behind the functions of `random`, and the C function that seeds it: the method in
# between costs a child pages, and does nothing more.
_shared_generator: random.Random = random._inst  # noqa: SLF001
_seed = _random.Random.seed
CHANNEL = 3  # where the cell channel lies, beside the three standard descriptors


def prepare(around: Surroundings) -> None:
    """
    The walls that are the same for every call.
    """
    proc, outside = around.proc, around.outside
    if around.group is not None:
        with building("resources"):
            around.group.join()
    with building("processes"):
        os.setsid()
    if around.make.namespaces:
        with building("processes"):
            namespaces.verify("pid", proc, outside)
        with building("mounts"):
            namespaces.enter("mnt", proc, outside)
            mounts.prepare(around.template)
        with building("ipc"):
            namespaces.enter("ipc", proc, outside)
        with building("hostname"):
            namespaces.enter("uts", proc, outside)
            socket.sethostname(HOSTNAME)
    with building("environment"):
        become_another()


def enclose(
    grant: CellGrant, channels: Channels, around: Surroundings, channel: socket.socket
) -> socket.socket:
    """
    The walls that depend on the call, outermost first.  None of the make's is skipped.

    Returns:
        The cell channel, at its final descriptor.
    """
    if around.group is not None:
        with building("resources"):  # while we have the identity that may
            around.group.limit(grant)
    if grant.network:
        with building("network"):
            prepare_network(grant, around, channel)
    if around.make.namespaces:
        with building("mounts"):
            # In the zygote's namespace: a slot's own id, or the only id there is.
            owner = identity.cell_id(channels.slot) if around.identity else 0
            mounts.build(grant, channels.trees, around.template, owner)
            _hand_out_staging(grant, channel)
    with building("identity"):
        _assume_identity(channels.slot, around)
    if not around.make.namespaces:
        with building("processes"):  # again: changing ids has cleared it (prctl(2))
            bind_to(around.zygote)
    with building("privileges"):
        if around.make.namespaces and not around.identity:
            privileges.drop_bounding()
        privileges.drop()
    if around.make.landlock:
        with building("landlock"):
            rules = _landlock_rules(grant, channels, around)
            landlock.restrict(rules, _ports(grant))
    with building("environment"):
        environment.declare(dict(grant.environment))
        os.chdir(grant.directory if around.make.namespaces else "/")
    with building("descriptors"):
        channel = _place_descriptors(channels, channel)
    with building("rlimits"):
        alone = around.make.namespaces or around.identity is not None
        rlimits.set_for(grant, around.baseline_bytes, alone=alone)
    with building("seccomp"):
        _load_filter(grant, around, channel)
    with building("rlimits"):
        rlimits.set_open_files(grant.open_files)
    return channel


def prepare_network(grant: CellGrant, around: Surroundings, channel: socket.socket) -> None:
    """
    In a network of the cell's own only what the server holds from here on answers.  A cell with a
    proxy has none.
    """
    if grant.proxy:
        _check_proxied(around)
        return
    if not around.make.namespaces:
        raise OSError(0, "domains need a network namespace, which this host does not have")
    namespaces.enter("net", around.proc, around.outside)
    network.bring_up()
    with contextlib.ExitStack() as ours:
        opened = [ours.enter_context(each) for each in network.listeners(grant.ports)]
        wire.send(channel, Frame.NETWORK, b"", tuple(each.fileno() for each in opened))


def _check_proxied(around: Surroundings) -> None:
    """
    In the host's network a cell is held to its proxy by Landlock, or it does not run.
    """
    if around.make.namespaces:
        raise OSError(0, "a proxy is for cells without a network of their own")
    version = landlock.abi() if around.make.landlock else 0
    if version < landlock.ABI_NETWORK:
        why = f"needs version {landlock.ABI_NETWORK} of Landlock, and this host has {version}"
        raise OSError(0, f"a proxy {why}")


def _ports(grant: CellGrant) -> tuple[int, ...]:
    if grant.proxy:
        return (grant.proxy,)
    return (network.NAMES, *grant.ports) if grant.ports else ()


def _assume_identity(slot: int, around: Surroundings) -> None:
    if around.make.namespaces:
        identity.assume(slot, ranged=around.identity is not None, proc=around.proc)
    elif around.identity is not None:
        identity.assume_host_id(slot, around.identity)


def bind_to(zygote: int) -> None:
    """
    Die with the zygote.  Without a pid namespace nothing else ends a cell whose zygote is gone;
    seccomp keeps the tool from undoing it.

    Raises:
        OSError: it is gone already.
    """
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != zygote:
        raise OSError(0, "the zygote died before the cell was bound to it")


def _landlock_rules(
    grant: CellGrant, channels: Channels, around: Surroundings
) -> list[landlock_rules.Rule]:
    if around.make.namespaces:
        return landlock_rules.behind_mounts(grant, around.template)
    return landlock_rules.bare(grant, channels.trees, around.template)


def _load_filter(grant: CellGrant, around: Surroundings, channel: socket.socket) -> None:
    """
    The filter was compiled in the zygote.  Its listener is the server's alone: nothing of the tool
    runs before the server is sent it.
    """
    program = seccomp.program(
        grant.profile,
        network=grant.network,
        own_pid=None if around.make.namespaces else os.getpid(),
        observed=around.observed,
        counted=grant.counted,
    )
    if not around.observed:
        if grant.counted:
            raise OSError(0, "nobody could count the file operations")
        seccomp.load(program)
        return
    listener = listening.load(program)
    wire.send(channel, Frame.LISTENER, b"", (listener,))
    os.close(listener)


def _hand_out_staging(grant: CellGrant, channel: socket.socket) -> None:
    """
    Give the server the folders in which files are staged: when the cell is dead, it looks there.
    """
    folders = mounts.staging_folders(grant)
    if not folders:
        return
    opened = tuple(os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in folders)
    wire.send_json(channel, Frame.STAGING, {"folders": folders}, opened)
    for descriptor in opened:
        os.close(descriptor)


def _place_descriptors(channels: Channels, channel: socket.socket) -> socket.socket:
    null = os.open("/dev/null", os.O_RDONLY)
    descriptors.place({0: null, 1: channels.stdout, 2: channels.stderr, CHANNEL: channels.cell})
    channel.detach()
    return socket.socket(fileno=CHANNEL)


def become_another() -> None:
    """
    What a fork leaves alike: seeds are shared.
    """
    _seed(_shared_generator)
    if numpy_random := sys.modules.get("numpy.random"):
        numpy_random.seed()
    syscalls.run_hooks()


def get_ready_to_fork() -> None:
    """
    In the zygote, once its tools are loaded: what is then the same in every cell.  Standard streams
    buffer as if nobody were watching, and the generator of `random` keeps half of what it drew.
    """
    _shared_generator.gauss_next = None  # type: ignore[attr-defined]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
