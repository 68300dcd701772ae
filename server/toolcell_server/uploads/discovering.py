"""
Has uploaded code describe itself, in a cell of its own that is thrown away.

Theory of operation.  To know which tools code declares it must be imported, and to import it is to
run it.  So that is an execution as any other, of a carrier, with every wall, with limits of ours
and no grant but the code itself: no network, nothing to write, nothing of the caller's.  It takes a
place, is held to the rates of who registers, is logged, counted and recorded.  What it answers is
read as what it is (`describing.py`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import outcomes
from toolcell_server.carried import CODE, REGISTERED, Carried
from toolcell_server.execution import Execution
from toolcell_server.executor import closing
from toolcell_server.gates import Call
from toolcell_server.limits import MEBIBYTE, Limits
from toolcell_server.refusals import CodeNotLoaded
from toolcell_server.tool import Tool
from toolcell_server.uploads import describing
from toolcell_server.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.admission_needs import Opener
    from toolcell_server.audit.auditing import Auditing
    from toolcell_server.capacity import Capacity
    from toolcell_server.executor import Executor
    from toolcell_server.gates import Gate
    from toolcell_server.granting import Granting
    from toolcell_server.principal import Principal
    from toolcell_server.uploads.describing import Described

CARRIER: Final = "describe_source"
SECONDS: Final = 8.0  # clients wait for ten
_LIMITS: Final = Limits(
    wall_seconds=SECONDS,
    cpu_seconds=4.0,
    memory_bytes=512 * MEBIBYTE,
    output_bytes=64 * 1024,
    result_bytes=MEBIBYTE,
    processes=8,
    disk_bytes=16 * MEBIBYTE,
)


@dataclass(frozen=True, slots=True)
class Discovering:
    """
    Lives on one event loop.
    """

    executor: Executor
    capacity: Capacity
    granting: Granting
    opener: Opener
    ceilings: Limits
    rates: Gate
    auditing: Auditing | None = None

    async def discover(self, folder: str, entry: str, principal: Principal) -> Sequence[Described]:
        """
        The tools that the code of a folder declares, or the one of an entry.

        Raises:
            CodeNotLoaded: there is none, or the code did not come to its end.
            CallRefused: there is no place for it, its caller has no more calls, or its code cannot
                be opened.
        """
        execution = await self._execution(folder, entry, principal)
        result, outcome = b"", pb.Outcome()
        with contextlib.closing(execution):
            if self.auditing is not None:
                await self.auditing.accept(execution)
            async with closing(self.executor.execute(execution)) as events:
                async for event in events:
                    result += event.result_chunk.data + event.finished.result_json
                    if event.HasField("finished"):
                        outcome = event.finished.outcome
        if not outcome.HasField("completed"):
            raise CodeNotLoaded(f"loading it ended as {outcomes.label(outcome)}")
        return describing.described(result)

    async def _execution(self, folder: str, entry: str, principal: Principal) -> Execution:
        name = folder.rpartition("/")[2]
        payload = {"folder": f"{CODE}/{name}", "entry": entry}
        tool = Tool(
            name=CARRIER,
            bundle=REGISTERED,
            version="1",
            effects="read_only",
            limits=_LIMITS.capped_by(self.ceilings),
            carried=Carried(carrier=CARRIER, payload=payload, code=(folder,)),
        )
        now = time.monotonic()
        request = pb.RunRequest(tool=CARRIER)
        call = Call(
            request=request,
            principal=principal,
            tool=tool,
            limits=tool.limits,
            arguments={},
            data=b"{}",
            deadline=now + SECONDS,
        )
        execution_id = str(uuid.uuid4())
        with contextlib.ExitStack() as resources:
            call = await self.rates.let_pass(call, resources)
            grant = self.granting.grant(call)
            self.capacity.reserve(execution_id, Wanted(principal.name, CARRIER, call.deadline))
            resources.callback(self.capacity.release, execution_id)
            mounts = await self.opener(grant, REGISTERED, resources)
            return Execution(
                execution_id=execution_id,
                tool=tool,
                grant=dataclasses.replace(grant, mounts=mounts),
                arguments=call.data,
                accepted=now,
                principal=principal.name,
                caller=principal,
                deadline=call.deadline,
                taken=tuple(call.taken),
                resources=resources.pop_all(),
            )
