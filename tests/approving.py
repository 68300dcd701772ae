"""
A server on a real socket where calls need approvals: everything but the cells is the real thing,
SQLite too.  Who calls is said by metadata, which stands for the identity of a real caller.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import grpc
from admitting import WALLS, FileOpener
from clocks import Clock
from principals import SaysWho
from scripted_executor import ScriptedExecutor, completed, started
from toolcell.v1 import approval_pb2, approval_pb2_grpc
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub
from toolcell_server import service
from toolcell_server.admission import Admission
from toolcell_server.approvals import service as approval_service
from toolcell_server.approvals.deciding import Deciding
from toolcell_server.approvals.desk import Desk
from toolcell_server.approvals.gate import ApprovalGate
from toolcell_server.approvals.kinds import Demands
from toolcell_server.approved import ApprovedExecutor
from toolcell_server.capacity import Capacity
from toolcell_server.database import Database
from toolcell_server.executions import Executions, Keeping
from toolcell_server.granting import Granting
from toolcell_server.interceptors import ErrorInterceptor
from toolcell_server.limits import Limits
from toolcell_server.policy import Policy
from toolcell_server.queued import QueuedExecutor
from toolcell_server.registry import Registry
from toolcell_server.settings.approval import ApprovalSettings
from toolcell_server.validation import Validation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.rpc.error_details_pb2 import ErrorInfo
    from toolcell_server.approvals.happenings import Happening

MORNING = 1_800_000_000.0
ANY = {"type": "object"}
TOOLS = [
    {"name": "pay", "description": "Pays.", "parameters": ANY, "approval": "approve"},
    {"name": "mail", "description": "Mails.", "parameters": ANY, "approval": "confirm"},
    {"name": "look", "description": "Looks.", "parameters": ANY, "effects": "read_only"},
    {"name": "wipe", "description": "Wipes.", "parameters": ANY, "effects": "destructive"},
    {"name": "sign", "description": "Signs.", "parameters": ANY, "approval": True},
]


class Office:
    """
    The running server, its parts, and what a caller says to it.
    """

    def __init__(self, database: Database, executor: ScriptedExecutor, **settings: Any) -> None:
        self.clock, self.executor = Clock(MORNING), executor
        self.happenings: list[Happening] = []
        self.database = database
        section = ApprovalSettings.build(settings)
        record = self.happenings.append
        self.desk = Desk(section, database, clock=self.clock, record=record)
        self.desk.recover()
        self.deciding = Deciding(self.desk.store, database, clock=self.clock, record=record)
        registry = Registry(Limits(), Limits())
        registry.replace("mine", {"tools": TOOLS})
        granting = Granting(policy=Policy(), isolation=lambda _: WALLS)
        demands = Demands(
            default_for_destructive=section.default_for_destructive, tools=section.tools
        )
        self.capacity = Capacity(running=60, queue=0)
        self.validation = Validation()
        self.admission = Admission(
            tools=registry,
            validation=self.validation,
            granting=granting,
            capacity=self.capacity,
            opener=FileOpener(),
            gates=(ApprovalGate(demands, granting.grant, self.desk),),
        )
        queued = QueuedExecutor(ApprovedExecutor(executor), self.capacity)
        self.executions = Executions(queued, Keeping())
        self.channel: Any = None

    async def run(self, tool: str, who: str = "alice", token: str = "", **fields: Any) -> Any:
        arguments = fields.pop("arguments", {"amount": 1})
        data = arguments if isinstance(arguments, bytes) else json.dumps(arguments).encode()
        request = pb.RunRequest(tool=tool, arguments_json=data, approval_token=token, **fields)
        stub: Any = ToolExecutionServiceStub(self.channel)
        return await stub.Run(request, metadata=metadata(who), timeout=20)

    async def decide(self, approval_id: str, who: str, *, approve: bool = True, **said: Any) -> Any:
        answer = (
            approval_pb2.APPROVAL_DECISION_APPROVE
            if approve
            else approval_pb2.APPROVAL_DECISION_DENY
        )
        request = approval_pb2.DecideApprovalRequest(
            approval_id=approval_id, decision=answer, **said
        )
        answered = await self.stub.DecideApproval(request, metadata=metadata(who))
        return answered.approval

    async def get(self, approval_id: str, who: str) -> Any:
        request = approval_pb2.GetApprovalRequest(approval_id=approval_id)
        return (await self.stub.GetApproval(request, metadata=metadata(who))).approval

    async def list(self, who: str, **asked: Any) -> Any:
        request = approval_pb2.ListApprovalsRequest(**asked)
        return await self.stub.ListApprovals(request, metadata=metadata(who))

    @property
    def stub(self) -> Any:
        return approval_pb2_grpc.ApprovalServiceStub(self.channel)

    @property
    def ran(self) -> int:
        """
        How many runs have begun.
        """
        return len(self.executor.begun)


def metadata(who: str) -> tuple[tuple[str, str], ...]:
    """
    `name`, or `name/session`, as the test's interceptor takes it.
    """
    name, _, session = who.partition("/")
    return (("x-test-principal", name), ("x-test-session", session))


def runs() -> ScriptedExecutor:
    """
    Runs whatever it is given, at once.
    """
    return ScriptedExecutor(started(), completed(b"1"))


@contextlib.asynccontextmanager
async def office(
    executor: ScriptedExecutor | None = None, *, folder: str = "", **settings: Any
) -> AsyncIterator[Office]:
    """
    An office that is open, with its approvals in that folder; without one, in memory.
    """
    server = grpc.aio.server(interceptors=[ErrorInterceptor(), SaysWho()])
    with contextlib.closing(Database.opened(folder)) as database:
        place = Office(database, executor or runs(), **settings)
        service.add_to(server, service.ExecutionService(place.executions, place.admission))
        approval_service.add_to(server, approval_service.ApprovalService(place.deciding))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as place.channel:
                yield place
        finally:
            await place.executions.drain(0)
            await server.stop(None)
            await place.validation.aclose()


def asked(info: ErrorInfo) -> tuple[str, str]:
    """
    Id and token of a call that was refused because it needs an approval.
    """
    assert info.reason == "APPROVAL_REQUIRED", info
    return info.metadata["approval_id"], info.metadata["approval_token"]
