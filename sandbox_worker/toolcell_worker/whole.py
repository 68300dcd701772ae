"""
The walls of a whole cell: those of `enclosing.py`, in the same order, as steps prepared in advance.

For a cell in whose grant nothing is one call's own; only its slot, and the descriptors of its
channel and its pipes, come with it.  In `enclosing.py` each of these walls is explained.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from toolcell_worker import messages, wire
from toolcell_worker.enclosing import CHANNEL, HOSTNAME
from toolcell_worker.steps import Steps, Value
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
from toolcell_worker.walls.failure import SetupFailed
from toolcell_worker.wire import Frame, Profile

if TYPE_CHECKING:
    from toolcell_worker.surroundings import Surroundings
    from toolcell_worker.wire import CellGrant


REHEARSED_BYTES = 1024  # arbitrary; a result of `rehearsal.py` has some fifty
_declared: list[WholeWalls | None] = [None]  # whose environment the zygote has


class WholeWalls:
    """
    The steps of one grant.
    """

    def __init__(self, grant: CellGrant, around: Surroundings) -> None:
        """
        Raises:
            SetupFailed: a wall cannot be prepared.
        """
        self.grant = grant
        # An ending that does not fit would use up what is reserved for that of the call.
        result_bytes = max(grant.result_bytes, REHEARSED_BYTES)
        self.rehearsing = dataclasses.replace(grant, result_bytes=result_bytes)
        if grant.counted and not around.observed:
            raise SetupFailed("seccomp", 0, "nobody could count the file operations")
        # Whether it may leave processes behind, and so has a room of its own.
        self.alone = grant.profile >= Profile.SUBPROCESS
        self._ranged = around.identity is not None
        self._id, self._owner = Value(-1), Value(0)
        self._given = (Value(-1), Value(-1), Value(-1))
        self._steps = steps = Steps()
        self._kept: list[messages.Prepared] = []
        try:
            self._prepare(steps, around)
            self._enclose(steps, around)
        except OSError as exc:
            raise SetupFailed(steps.building, exc.errno or 0, str(exc)) from exc
        self._declared = dict(grant.environment)

    @property
    def placed(self) -> bool:
        """
        Whether the channel lies where it stays.
        """
        return self._placed.value == 0

    @property
    def channel(self) -> int:
        """
        Where the channel lies until it is placed.
        """
        return self._given[0].value

    def aim(self, slot: int, descriptors: tuple[int, ...]) -> None:
        """
        In the zygote: the next cell has this slot, and this channel, stdout and stderr; it inherits
        our environment.
        """
        if _declared[0] is not self:
            _declared[0] = None  # until it is whole
            environment.declare(self._declared)
            _declared[0] = self
        own = identity.cell_id(slot) if self._ranged else identity.USER_INSIDE
        self._id.value = own
        self._owner.value = own if self._ranged else 0
        channel, stdout, stderr = self._given
        channel.value, stdout.value, stderr.value = descriptors

    def build(self) -> None:
        """
        In a child: build every wall around ourselves, and say BUILT.

        Raises:
            SetupFailed: one could not be built.
        """
        self._steps.run()

    def _prepare(self, steps: Steps, around: Surroundings) -> None:
        steps.wall("processes")
        steps.call("setsid")
        namespaces.add_check(steps, "pid", around.proc, around.outside)
        steps.wall("mounts")
        steps.call("unshare", namespaces.TOGETHER, what="mnt, ipc, uts")
        for wall, kind in (("mounts", "mnt"), ("ipc", "ipc"), ("hostname", "uts")):
            steps.wall(wall)
            namespaces.add_check(steps, kind, around.proc, around.outside)
        steps.call("sethostname", HOSTNAME.encode(), len(HOSTNAME))

    def _enclose(self, steps: Steps, around: Surroundings) -> None:
        steps.wall("mounts")
        mounts.add_steps(steps, self.grant, around.template, self._owner)
        steps.wall("identity")
        identity.add_steps(steps, self._id, ranged=self._ranged, proc=around.proc)
        steps.wall("privileges")
        privileges.add_steps(steps, bounding=not self._ranged)
        if around.make.landlock:
            steps.wall("landlock")
            rules = landlock_rules.runtime_behind_mounts(around.template)
            scratch = landlock_rules.SCRATCHES
            ports = (network.NAMES, *self.grant.ports) if self.grant.ports else ()
            landlock.add_steps(steps, rules, scratch, ports, self._id)
        steps.wall("environment")
        steps.call("chdir", b"/tmp")  # private to this cell
        steps.wall("descriptors")
        self._placed = descriptors.add_steps(steps, self._given)
        steps.ask_for(self._placed)
        steps.wall("rlimits")
        rlimits.add_steps(steps, self.grant, around.baseline_bytes)
        steps.wall("seccomp")
        program = seccomp.program(
            self.grant.profile,
            network=self.grant.network,
            observed=around.observed,
            counted=self.grant.counted,
        )
        listener = listening.add_step(steps, program, observed=around.observed)
        if around.observed:
            _hand_over(steps, listener, self._kept)
        steps.wall("rlimits")
        rlimits.add_open_files(steps, self.grant.open_files)
        built = wire.HEADER.pack(Frame.BUILT, 0)
        steps.call("write", CHANNEL, built, len(built), what="BUILT")
        steps.seal()


def _hand_over(steps: Steps, listener: Value, kept: list[messages.Prepared]) -> None:
    """
    Give the listener away: nothing of the tool runs before the server alone has it.
    """
    message = messages.Prepared(wire.HEADER.pack(Frame.LISTENER, 0))
    kept.append(message)
    steps.copy(listener, message.descriptor)
    steps.call("sendmsg", CHANNEL, message.header, 0, what="LISTENER")
    steps.call("close", listener)
