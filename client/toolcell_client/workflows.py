"""
Workflows: definitions of this client's principal, and runs of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell.v1 import workflow_pb2 as pb

from toolcell_client.workflow_requests import (
    encoded,
    resume_request,
    run_request,
    runs_request,
)
from toolcell_client.workflow_stream import WorkflowStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toolcell_client.connection import Connection
    from toolcell_client.workflow_requests import Definition


class Workflows:
    """
    `client.workflows`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def validate(self, definition: Definition) -> tuple[pb.WorkflowProblem, ...]:
        """
        All that is wrong with a definition; empty: nothing.
        """
        request = pb.DefineWorkflowRequest(definition_json=encoded(definition), validate_only=True)
        return tuple(self._ask("DefineWorkflow", request).problems)

    def define(self, definition: Definition) -> pb.Workflow:
        """
        Keep a definition as the next version of its name.
        """
        request = pb.DefineWorkflowRequest(definition_json=encoded(definition))
        workflow: pb.Workflow = self._ask("DefineWorkflow", request).workflow
        return workflow

    def list(self, page_size: int = 0) -> Iterator[pb.Workflow]:
        """
        The newest versions, by name.
        """
        request = pb.ListWorkflowsRequest(page_size=page_size)
        while True:
            page = self._ask("ListWorkflows", request)
            yield from page.workflows
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def get(self, name: str, version: int = 0) -> pb.Workflow:
        request = pb.GetWorkflowRequest(name=name, version=version)
        workflow: pb.Workflow = self._ask("GetWorkflow", request).workflow
        return workflow

    def delete(self, name: str) -> pb.Workflow:
        request = pb.DeleteWorkflowRequest(name=name)
        workflow: pb.Workflow = self._ask("DeleteWorkflow", request).workflow
        return workflow

    def run(
        self,
        what: Definition,
        inputs: Mapping[str, Any] | str | bytes | None = None,
        *,
        version: int = 0,
        request_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        session_id: str = "",
    ) -> WorkflowStream:
        """
        Run a workflow by its name, or a definition, and stream what happens; each of its calls is
        in that session, if one is named.

        Raises:
            TypeError: the inputs or the definition have a value that JSON does not have.
            ValueError: NaN, infinity or a cycle in them.
        """
        request = run_request(what, inputs, version, request_id, labels, session_id=session_id)
        return WorkflowStream(self._connection, request)

    def watch(self, run_id: str, after_sequence: int = 0) -> WorkflowStream:
        """
        Stream the events of a run again, those with a greater sequence only.
        """
        return WorkflowStream(self._connection, None, run_id, after_sequence)

    def get_run(self, run_id: str) -> pb.WorkflowRun:
        run: pb.WorkflowRun = self._ask(
            "GetWorkflowRun", pb.GetWorkflowRunRequest(run_id=run_id)
        ).run
        return run

    def list_runs(
        self, *, state: str | int = "", workflow: str = "", page_size: int = 0
    ) -> Iterator[pb.WorkflowRun]:
        """
        Runs, newest first; `state` is "running", "completed", "failed", "cancelled" or
        "interrupted".
        """
        request = runs_request(state, workflow, page_size)
        while True:
            page = self._ask("ListWorkflowRuns", request)
            yield from page.runs
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def cancel(self, run_id: str) -> pb.WorkflowRun:
        """
        End a run now.  Not an error if it has ended already.
        """
        run: pb.WorkflowRun = self._ask(
            "CancelWorkflowRun", pb.CancelWorkflowRunRequest(run_id=run_id)
        ).run
        return run

    def resume(self, run_id: str, decision: str | int) -> pb.WorkflowRun:
        """
        Go on with an interrupted run: "retry", "skip" or "fail".

        Raises:
            ValueError: there is no such decision.
        """
        run: pb.WorkflowRun = self._ask("ResumeWorkflowRun", resume_request(run_id, decision)).run
        return run

    def _ask(self, method: str, request: Any) -> Any:
        return self._connection.ask(getattr(self._connection.workflows, method), request)
