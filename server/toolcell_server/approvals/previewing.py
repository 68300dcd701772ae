"""
Runs a tool to see what it would change.

Theory of operation.  Nobody has said yes yet, so the run must have no effect: only a tool whose
manifest says `preview` is run, which has nothing but paths to read and paths to stage, no domains
and nothing to write directly (`manifest.py` sees to it, and here the grant is looked at again).
What it read could be in what it stages, so only those who may decide are shown that, and the caller
is told nothing of how it ended but a word.  It takes a place as any other execution, and is logged,
counted and recorded as one; the record says that it was a preview.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import outcomes
from toolcell_server.approvals.reviewing import Recording
from toolcell_server.execution import Execution
from toolcell_server.executor import closing
from toolcell_server.refusals import PreviewFailed
from toolcell_server.wanted import Wanted

if TYPE_CHECKING:
    from toolcell_server.admission_needs import Opener
    from toolcell_server.audit.auditing import Auditing
    from toolcell_server.capacity import Capacity
    from toolcell_server.executor import Executor
    from toolcell_server.gates import Call
    from toolcell_server.grants import Grant

_HARMLESS = frozenset({pb.PATH_ACCESS_READ, pb.PATH_ACCESS_STAGED})


class Preview(NamedTuple):
    """
    What would change, for people; whether that is all of it; and the digests by path, as JSON.
    """

    text: str = ""
    complete: bool = True
    digests: str = ""


NO_PREVIEW = Preview()


@dataclass(frozen=True, slots=True)
class Previewing:
    """
    Lives on one event loop.
    """

    executor: Executor
    capacity: Capacity
    opener: Opener
    auditing: Auditing | None = None

    async def preview(self, call: Call, grant: Grant) -> Preview:
        """
        What the call would change; nothing is said of one whose tool promises no preview.

        Raises:
            AuditFailed: it may not run without a record, which cannot be written.
            PreviewFailed: it did not complete.
            CallRefused: there is no place for it, or a path cannot be opened.
        """
        if not (call.tool.preview and harmless(grant)):
            return NO_PREVIEW
        recording = Recording()
        execution = await self._execution(call, grant, recording)
        outcome = pb.Outcome()
        with contextlib.closing(execution):
            if self.auditing is not None:
                await self.auditing.accept(execution)
            async with closing(self.executor.execute(execution)) as events:
                async for event in events:
                    if event.HasField("finished"):
                        outcome = event.finished.outcome
        if not outcome.HasField("completed"):
            raise PreviewFailed(call.tool.name, outcomes.label(outcome))
        return Preview(recording.text, recording.complete, json.dumps(recording.digests))

    async def _execution(self, call: Call, grant: Grant, recording: Recording) -> Execution:
        execution_id = str(uuid.uuid4())
        with contextlib.ExitStack() as resources:
            self.capacity.reserve(
                execution_id, Wanted(call.principal.name, call.tool.name, call.deadline)
            )
            resources.callback(self.capacity.release, execution_id)
            mounts = await self.opener(grant, call.tool.bundle, resources)
            return Execution(
                execution_id=execution_id,
                tool=call.tool,
                grant=dataclasses.replace(grant, mounts=mounts),
                arguments=call.data,
                accepted=time.monotonic(),
                call_id=call.request.call_id,
                principal=call.principal.name,
                caller=call.principal,
                deadline=call.deadline,
                preview=True,
                review=recording,
                taken=tuple(call.taken),  # it runs, so it counts
                resources=resources.pop_all(),
            )


def harmless(grant: Grant) -> bool:
    """
    Whether a run with this grant changes nothing but what it stages.
    """
    accesses = {path.access for path in grant.paths}
    return accesses <= _HARMLESS and not grant.domains and not grant.report_only
