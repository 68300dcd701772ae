"""
Runs what is about to be registered, once, in a cell as its calls will have: to ask what it offers.

It is a run as any other: it takes a place, has every wall, is counted, logged and recorded under
the name of whoever registers, and is held to his rates.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import outcomes, strict_json
from toolcell_server.carried import REGISTERED
from toolcell_server.execution import Execution
from toolcell_server.executor import closing
from toolcell_server.gates import Call
from toolcell_server.threads import in_thread
from toolcell_server.tool import Tool
from toolcell_server.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.admission_needs import Opener
    from toolcell_server.audit.auditing import Auditing
    from toolcell_server.capacity import Capacity
    from toolcell_server.carried import Carried
    from toolcell_server.executor import Executor
    from toolcell_server.gates import Gate
    from toolcell_server.granting import Granting
    from toolcell_server.limits import Limits
    from toolcell_server.principal import Principal

_MOST_BYTES: Final = 16 * 2**20
_NO_ARGUMENTS: Final = b"{}"
_KEPT_BYTES: Final = 4096  # arbitrary; of what it wrote on standard error
_LINE: Final = 200  # characters of that which whoever registers is told


class TrialFailed(ValueError):  # noqa: N818  # names what happened
    """
    Raised when the run did not complete; says how it ended.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Trying:
    """
    Lives on one event loop.
    """

    executor: Executor
    capacity: Capacity
    opener: Opener
    granting: Granting
    defaults: Limits
    ceilings: Limits
    rates: Gate
    auditing: Auditing | None = None

    async def result(
        self, manifest: Mapping[str, Any], carried: Carried, principal: Principal
    ) -> Any:
        """
        What the tool of that manifest returns when it is called without arguments.

        Raises:
            CallRefused: it may not have what it asks for, or there is no place for it.
            TrialFailed: it did not complete.
            ValueError: the manifest is none.
        """
        tool = Tool.from_manifest(
            manifest, bundle=REGISTERED, defaults=self.defaults, ceilings=self.ceilings
        )
        tool = dataclasses.replace(tool, carried=carried)
        execution = await self._execution(tool, principal)
        finished, chunks, errors = pb.Finished(), bytearray(), b""
        with contextlib.closing(execution):
            if self.auditing is not None:
                await self.auditing.accept(execution)
            async with closing(self.executor.execute(execution)) as events:
                async for event in events:
                    chunks += event.result_chunk.data
                    if event.output.stream == pb.OUTPUT_STREAM_STDERR:
                        errors = (errors + event.output.data)[-_KEPT_BYTES:]
                    if event.HasField("finished"):
                        finished = event.finished
        if not finished.outcome.HasField("completed"):
            raise TrialFailed(_how(finished.outcome, errors))
        said = bytes(chunks) or finished.result_json
        return await in_thread(strict_json.parse_value, said, _MOST_BYTES)

    async def _execution(self, tool: Tool, principal: Principal) -> Execution:
        execution_id, now = str(uuid.uuid4()), time.monotonic()
        call = Call(
            request=pb.ExecuteRequest(tool=tool.name),
            principal=principal,
            tool=tool,
            limits=tool.limits,
            arguments={},
            data=_NO_ARGUMENTS,
        )
        with contextlib.ExitStack() as resources:
            call = await self.rates.let_pass(call, resources)
            grant = self.granting.grant(call)
            self.capacity.reserve(execution_id, Wanted(principal.name, tool.name, None))
            resources.callback(self.capacity.release, execution_id)
            mounts = await self.opener(grant, tool.bundle, resources)
            return Execution(
                execution_id=execution_id,
                tool=tool,
                grant=dataclasses.replace(grant, mounts=mounts),
                arguments=_NO_ARGUMENTS,
                accepted=now,
                principal=principal.name,
                caller=principal,
                taken=tuple(call.taken),
                resources=resources.pop_all(),
            )


def _how(outcome: pb.Outcome, errors: bytes) -> str:
    """
    With the last line that it wrote on standard error, which nobody else will ever see.
    """
    how = f"{outcomes.label(outcome)}: {outcome.message:.500}"
    lines = errors.decode(errors="replace").strip().splitlines()
    return f"{how} (its standard error ends with {lines[-1][:_LINE]!r})" if lines else how
