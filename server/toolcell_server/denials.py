"""
What was refused to one cell: from its filter's listener to events and to the ending.

Theory of operation.  What we saw is told as it comes, and nobody is asked whether there is room for
it, so that neither an answer to the tool nor a frame of it waits for whoever reads the events: the
observer and the egress bound how many there are.  Until somebody listens they are kept, because
`started` is told first.  What the tool reports of the same operation is left out: it comes later,
and could be a lie.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb
from toolcell_worker.wire import ProtocolError

from toolcell_server import endings
from toolcell_server.observing import Observer, nothing

if TYPE_CHECKING:
    from collections.abc import Callable


class Denials:
    """
    The denials of one cell.  `spent` is called when its file operations are used up, `foreign` when
    it makes a system call of another architecture: both are to end the cell.  `ending` is asked
    when its process is about to end (`observing.Observer`).
    """

    def __init__(
        self,
        file_operations: int = 0,
        spent: Callable[[], None] = nothing,
        foreign: Callable[[str], None] = nothing,
        ending: Callable[[int], object] = nothing,
        *,
        network: bool = False,
    ) -> None:
        self._budget = file_operations
        self._spent = spent
        self._foreign = foreign
        self._ending = ending
        self._network = network
        self._observer: Observer | None = None
        self._of_egress: list[pb.Denied] = []
        self._untold: list[pb.Denied] = []
        self._put: Callable[[pb.ExecuteResponse], None] | None = None

    @property
    def observed(self) -> bool:
        """
        Whether we see what its filter refuses.
        """
        return self._observer is not None

    @property
    def file_operations(self) -> int:
        """
        How many were made; 0 if they are not counted.
        """
        return 0 if self._observer is None else self._observer.counted

    def observe(self, descriptors: tuple[int, ...]) -> None:
        """
        Take the listener of the cell's filter.

        Raises:
            ProtocolError: it is not one, or not the first.
        """
        if len(descriptors) != 1 or self._observer is not None:
            for descriptor in descriptors:
                os.close(descriptor)
            raise ProtocolError("a cell has one listener")
        self._observer = Observer(
            descriptors[0],
            self._tell,
            self._budget,
            spent=self._spent,
            foreign=self._foreign,
            ending=self._ending,
            network=self._network,
        )

    def tell(self, put: Callable[[pb.ExecuteResponse], None]) -> None:
        """
        Tell what was denied until now, and from now on as it comes.
        """
        self._put = put
        untold, self._untold = self._untold, []
        for denied in untold:
            self._tell(denied)

    def note(self, denied: pb.Denied) -> None:
        """
        Tell what the egress denied, which bounds how many.  What it only reports explains nothing:
        the tool had what it asked for.
        """
        if not denied.reported_only:
            self._of_egress.append(denied)
        self._tell(denied)

    def saw(self, operation: str) -> bool:
        """
        Whether we saw that refused.
        """
        of_egress = any(denied.operation == operation for denied in self._of_egress)
        return of_egress or (self._observer is not None and self._observer.saw(operation))

    def repeats(self, event: pb.ExecuteResponse) -> bool:
        """
        Whether the tool reports what we saw ourselves.
        """
        others = {pb.WALL_LANDLOCK, pb.WALL_MOUNTS, pb.WALL_IDENTITY}  # which we do not see
        denied = event.denied
        return event.HasField("denied") and denied.wall not in others and self.saw(denied.operation)

    def explain(self, outcome: pb.Outcome) -> pb.Outcome:
        """
        The outcome with what we saw.
        """
        seen = [] if self._observer is None else self._observer.denials
        return endings.with_denials(outcome, [*self._of_egress, *seen], network=self._network)

    def close(self) -> None:
        """
        Give the listener back.
        """
        if self._observer is not None:
            self._observer.close()

    def _tell(self, denied: pb.Denied) -> None:
        if self._put is None:
            self._untold.append(denied)
        else:
            self._put(pb.ExecuteResponse(denied=denied))
