"""
Asks a person whether a call may run, through the client that they sit at.

Theory of operation.  The toolcell server refuses a call that needs a yes, and says whose.
"confirm": the person at the caller's side; they are asked through the client, if it can ask (an
elicitation in the form of a yes or no).  "approve": another principal; the caller is told to wait,
and the same call goes through later.  The token of the approval stays in this process: see
questions.py.  That the client's program could say yes by itself is inherent in "confirm", whoever
asks; what must not depend on it wants "approve".

No says no at the server too, so that nothing is left to be approved by accident.  A PIN is never
asked for: the protocol forbids to ask for secrets in a form.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types as types
from mcp import MCPError
from pydantic import ValidationError

from toolcell_client.errors import (
    ApprovalExpired,
    ApprovalPending,
    ApprovalReplayed,
    ApprovalRequired,
    ApprovalUnknown,
    ToolcellError,
)
from toolcell_client.mcp_server.answering import readable
from toolcell_client.mcp_server.asking_words import (
    declined,
    nobody_to_ask,
    somebody_else,
    told,
)
from toolcell_client.mcp_server.questions import Question, Questions, now

if TYPE_CHECKING:
    from toolcell_client.mcp_server.calling import Call
    from toolcell_client.result import Result

INPUT = "confirm"
FORM: dict[str, Any] = {
    "type": "object",
    "properties": {"confirm": {"type": "boolean", "title": "Run it?"}},
    "required": ["confirm"],
}
OVER = (ApprovalExpired, ApprovalReplayed, ApprovalUnknown)  # a new question may be asked
LONGEST = dt.timedelta(days=1)  # arbitrary; where the server does not say until when

Answer = types.CallToolResult | types.InputRequiredResult


class Asker:
    """
    Asks for all principals.
    """

    def __init__(self) -> None:
        self.questions = Questions()
        self._withdrawing: set[asyncio.Task[None]] = set()

    async def run(self, call: Call, modern: bool) -> Result | ToolcellError | Answer:  # noqa: FBT001
        """
        Run a call, with the approval that was waited for if there is one.
        """
        remembered = self.questions.recall(call.asking)
        outcome = await call.run(remembered.token if remembered else "")
        if remembered and not isinstance(outcome, ApprovalPending):
            self.questions.forget(call.asking)
        if remembered and isinstance(outcome, OVER):
            outcome = await call.run()
        if isinstance(outcome, ApprovalRequired) and outcome.token:
            required: Answer | Result | ToolcellError
            required = await self._required(call, outcome, modern)
            return required
        return told(outcome)

    async def answered(
        self, call: Call, state: str, responses: types.InputResponses | None
    ) -> Result | ToolcellError | Answer:
        """
        Go on with a call that a person has answered for.

        Raises:
            MCPError: the state is made up, used, too old, or of another call.
        """
        question = self.questions.take(state, call.asking)
        if question is None:
            message = "requestState is unknown, used, expired or of another call; call again"
            raise MCPError(code=types.INVALID_PARAMS, message=message)
        if not is_yes((responses or {}).get(INPUT)):
            self.withdraw(call, question)
            return declined()
        return told(await call.run(question.token))

    async def _required(self, call: Call, required: ApprovalRequired, modern: bool) -> Any:  # noqa: FBT001
        question = Question(
            asking=call.asking,
            approval_id=required.approval_id,
            token=required.token,
            expires=_time(required.expires),
        )
        if required.kind != INPUT:
            self.questions.remember(question)
            return somebody_else(required)
        if not can_ask(call.context.session.client_capabilities):
            self.withdraw(call, question)
            return nobody_to_ask(required)
        message = await self._message(call, required)
        if modern:
            return types.InputRequiredResult(
                input_requests={INPUT: _request(message)},
                request_state=self.questions.ask(question),
            )
        return await self._ask_now(call, question, message)

    async def _ask_now(self, call: Call, question: Question, message: str) -> Any:
        """
        Ask within the call, as it was before 2026-07-28.
        """
        said: types.ElicitResult | None = None
        seconds = max(0.0, (question.expires - now()).total_seconds())
        try:
            with contextlib.suppress(MCPError, ValidationError), anyio.move_on_after(seconds):
                said = await call.context.session.elicit_form(
                    message, FORM, related_request_id=call.context.request_id
                )
        finally:
            if not is_yes(said):  # cancelled, for one: what nobody waits for is not left open
                self.withdraw(call, question)
        return told(await call.run(question.token)) if is_yes(said) else declined()

    async def _message(self, call: Call, required: ApprovalRequired) -> str:
        summary = required.summary
        with contextlib.suppress(ToolcellError):
            summary = (await call.identity.client.approvals.get(required.approval_id)).summary
        return f"{call.tool.name} wants to run:\n{readable(summary)}"

    def withdraw(self, call: Call, question: Question) -> None:
        """
        Say no at the server; nobody waits for that.
        """
        task = asyncio.create_task(self._withdraw(call, question))
        self._withdrawing.add(task)
        task.add_done_callback(self._withdrawing.discard)

    async def _withdraw(self, call: Call, question: Question) -> None:
        with contextlib.suppress(ToolcellError), call.identity:
            reason = "no was said in an MCP client"
            await call.identity.client.approvals.deny(question.approval_id, reason)


def can_ask(capabilities: types.ClientCapabilities | None) -> bool:
    """
    Whether a client has forms; one that names no kind of elicitation has them.
    """
    asks = capabilities.elicitation if capabilities else None
    return asks is not None and (asks.form is not None or asks.url is None)


def is_yes(said: Any) -> bool:
    """
    Whether a person said yes; everything else is a no.
    """
    if not isinstance(said, types.ElicitResult) or said.action != "accept":
        return False
    return (said.content or {}).get("confirm") is True


def _request(message: str) -> types.ElicitRequest:
    params = types.ElicitRequestFormParams(message=message, requested_schema=FORM)
    return types.ElicitRequest(params=params)


def _time(text: str) -> dt.datetime:
    latest = now() + LONGEST
    try:
        return min(dt.datetime.fromisoformat(text), latest)
    except (ValueError, TypeError):
        return latest
