"""
The gRPC face of WorkflowService.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

import grpc
from toolcell.v1 import workflow_pb2 as pb
from toolcell.v1.workflow_pb2_grpc import (
    WorkflowServiceServicer,
    add_WorkflowServiceServicer_to_server,
)

from toolcell_server import pages, principal, request_fields, strict_json
from toolcell_server.principal import OTHERS
from toolcell_server.refusals import InvalidField
from toolcell_server.request_fields import MAXIMUM_REQUEST_ID
from toolcell_server.sessions.station import caller_in
from toolcell_server.storing import storing
from toolcell_server.workflows import messages
from toolcell_server.workflows.asked import Asked, fingerprint
from toolcell_server.workflows.watching import Watching

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.executions import Executions
    from toolcell_server.sessions.station import Station
    from toolcell_server.settings.workflows import WorkflowSettings
    from toolcell_server.workflows.checking import Checking
    from toolcell_server.workflows.defining import Defining
    from toolcell_server.workflows.desk import Desk
    from toolcell_server.workflows.log import Log
    from toolcell_server.workflows.runs_store import Row

NAME: Final = pb.DESCRIPTOR.services_by_name["WorkflowService"].full_name
_MAXIMUM_INPUTS: Final = 2**20  # bytes
_DECISIONS: Final = frozenset(pb.ResumeDecision.values()) - {pb.RESUME_DECISION_UNSPECIFIED}
_PAGE: Final = 100  # definitions and runs are larger than a line

_Context = grpc.aio.ServicerContext[Any, Any]


class WorkflowService(WorkflowServiceServicer):
    """
    Answers for workflows.
    """

    def __init__(
        self,
        executions: Executions,
        checking: Checking,
        defining: Defining,
        desk: Desk,
        bounds: WorkflowSettings,
        *,
        sessions: Station,
    ) -> None:
        self._executions = executions
        self._checking = checking
        self._defining = defining
        self._desk = desk
        self._bounds = bounds
        self._sessions = sessions

    async def DefineWorkflow(  # noqa: N802  # the contract's name
        self, request: pb.DefineWorkflowRequest, _context: _Context
    ) -> pb.DefineWorkflowResponse:
        if request.validate_only:
            _, problems = await self._checking.check(request.definition_json)
            told = [pb.WorkflowProblem(**each._asdict()) for each in problems]
            return pb.DefineWorkflowResponse(problems=told)
        found = await self._checking.checked(request.definition_json)
        kept = self._defining.define(found, request.definition_json)
        return pb.DefineWorkflowResponse(workflow=messages.of_definition(kept))

    async def ListWorkflows(  # noqa: N802  # the contract's name
        self, request: pb.ListWorkflowsRequest, _context: _Context
    ) -> pb.ListWorkflowsResponse:
        size = min(pages.size(request.page_size), _PAGE)
        found = self._defining.page(pages.decode(request.page_token, {}), size + 1)
        told = [messages.of_definition(each, whole=False) for each in found[:size]]
        token = pages.encode(found[size - 1].name, {}) if len(found) > size else ""
        return pb.ListWorkflowsResponse(workflows=told, next_page_token=token)

    async def GetWorkflow(  # noqa: N802  # the contract's name
        self, request: pb.GetWorkflowRequest, _context: _Context
    ) -> pb.GetWorkflowResponse:
        kept = self._defining.get(request.name, request.version)
        return pb.GetWorkflowResponse(workflow=messages.of_definition(kept))

    async def DeleteWorkflow(  # noqa: N802  # the contract's name
        self, request: pb.DeleteWorkflowRequest, _context: _Context
    ) -> pb.DeleteWorkflowResponse:
        kept = self._defining.delete(request.name)
        return pb.DeleteWorkflowResponse(workflow=messages.of_definition(kept))

    async def RunWorkflow(  # noqa: N802  # the contract's name
        self, request: pb.RunWorkflowRequest, _context: _Context
    ) -> AsyncIterator[pb.RunWorkflowResponse]:
        watching = Watching(await self._begun(request), self._executions, 0)
        async with aclosing(watching.events()) as events:
            async for event in events:
                yield event

    async def WatchWorkflow(  # noqa: N802  # the contract's name
        self, request: pb.WatchWorkflowRequest, _context: _Context
    ) -> AsyncIterator[pb.WatchWorkflowResponse]:
        log = self._desk.log(self._desk.finding.find(request.run_id))
        watching = Watching(log, self._executions, request.after_sequence)
        async with aclosing(watching.events()) as events:
            async for event in events:
                yield pb.WatchWorkflowResponse.FromString(event.SerializeToString())

    async def GetWorkflowRun(  # noqa: N802  # the contract's name
        self, request: pb.GetWorkflowRunRequest, _context: _Context
    ) -> pb.GetWorkflowRunResponse:
        return pb.GetWorkflowRunResponse(run=self._told(request.run_id))

    async def ListWorkflowRuns(  # noqa: N802  # the contract's name
        self, request: pb.ListWorkflowRunsRequest, _context: _Context
    ) -> pb.ListWorkflowRunsResponse:
        size, filters = min(pages.size(request.page_size), _PAGE), _filters(request)
        before, caller = pages.number_before(request.page_token, filters), principal.current()
        owner = None if OTHERS in caller.scopes else caller.name
        with storing("list runs of workflows"):
            rows = self._desk.store.newest_first(
                before, size + 1, owner, request.state, request.workflow
            )
        told = [each async for each in self._listed(rows[:size])]
        token = pages.encode(str(rows[size - 1].number), filters) if len(rows) > size else ""
        return pb.ListWorkflowRunsResponse(runs=told, next_page_token=token)

    async def CancelWorkflowRun(  # noqa: N802  # the contract's name
        self, request: pb.CancelWorkflowRunRequest, _context: _Context
    ) -> pb.CancelWorkflowRunResponse:
        await self._desk.cancel(self._desk.finding.find(request.run_id))
        return pb.CancelWorkflowRunResponse(run=self._told(request.run_id))

    async def ResumeWorkflowRun(  # noqa: N802  # the contract's name
        self, request: pb.ResumeWorkflowRunRequest, _context: _Context
    ) -> pb.ResumeWorkflowRunResponse:
        row = self._desk.finding.find(request.run_id)
        if request.decision not in _DECISIONS:
            raise InvalidField("decision", "must be RETRY, SKIP or FAIL")
        self._executions.check_accepting()
        self._desk.resume(row, request.decision)
        return pb.ResumeWorkflowRunResponse(run=self._told(request.run_id))

    async def _begun(self, request: pb.RunWorkflowRequest) -> Log:
        request_fields.check_text("request_id", request.request_id, MAXIMUM_REQUEST_ID)
        request_fields.check_labels(request.labels)
        asked = fingerprint(request)
        if earlier := self._desk.earlier(request.request_id, asked):
            return earlier
        principal.adopt(caller_in(self._sessions, request.session_id, principal.current()))
        checked = await self._asked(request, asked)
        self._executions.check_accepting()
        return self._desk.begin(checked)

    async def _asked(self, request: pb.RunWorkflowRequest, asked: bytes) -> Asked:
        data, version = request.definition_json, 0
        if request.WhichOneof("what") is None:
            raise InvalidField("what", "must be a name or a definition")
        if request.HasField("name"):
            kept = self._defining.runnable(request.name, request.version)
            data, version = kept.definition, kept.version
        definition = await self._checking.checked(data)
        try:
            inputs = strict_json.parse(request.inputs_json, _MAXIMUM_INPUTS)
        except strict_json.NotStrictJson as exc:
            raise InvalidField(f"inputs_json{exc.pointer}", str(exc)) from exc
        await self._checking.inputs(definition.inputs, inputs)
        return Asked(
            definition=definition,
            definition_json=data,
            version=version,
            inputs_json=request.inputs_json or b"{}",
            request_id=request.request_id,
            fingerprint=asked,
            labels=dict(request.labels),
            session_id=request.session_id,
        )

    async def _listed(self, rows: list[Row]) -> AsyncIterator[pb.WorkflowRun]:
        """
        Without their outputs, of which a page might be too large to receive; others have their turn
        between them.
        """
        for row in rows:
            await asyncio.sleep(0)
            with storing("list runs of workflows"):
                last = self._desk.store.last_event(row.run_id)
            if last:  # it may have been forgotten meanwhile
                told = messages.of_run(row, last)
                told.finished.ClearField("outputs_json")
                yield told

    def _told(self, run_id: str) -> pb.WorkflowRun:
        row = self._desk.finding.find(run_id)
        with storing("read a run"):
            return messages.of_run(row, self._desk.store.last_event(run_id))


def add_to(server: grpc.aio.Server, service: WorkflowService) -> None:
    """
    Serve it.
    """
    add_WorkflowServiceServicer_to_server(service, server)


def _filters(request: pb.ListWorkflowRunsRequest) -> dict[str, Any]:
    return {"state": request.state, "workflow": request.workflow}
