"""
How a realtime response begins: what the model reads, and what it does with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers import openai_words as words
from toolcell_client.testing.providers.openai_words import typed
from toolcell_client.testing.providers.realtime import settings as rules
from toolcell_client.testing.providers.realtime.items import entries
from toolcell_client.testing.providers.realtime.speaking import Speaking, response
from toolcell_client.testing.providers.refusing import Refused
from toolcell_client.testing.providers.reply import Reply
from toolcell_client.testing.providers.tokens import Usage
from toolcell_client.testing.providers.turns import Turn
from toolcell_client.testing.providers.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.testing.providers.realtime.session import RealtimeSession


def view_of(session: RealtimeSession, made: dict[str, Any], asked: Mapping[str, Any]) -> View:
    """
    What the model reads; `made` are the settings of the response, `asked` what the client named.
    """
    tools = rules.check_tools(made["tools"], "response.tools")
    mode, allowed = rules.choose(made["tool_choice"], tools)
    own = list(session.conversation.items.values())
    items = own if asked.get("input") is None else asked["input"]
    return View(
        provider=session.provider,
        model=session.settings["model"],
        instructions=made["instructions"] or "",
        tools=tools,
        entries=entries(typed(items, list, "response.input")),
        choice=mode,
        allowed=allowed,
        stream=True,
    )


def begin(
    session: RealtimeSession, view: View, made: dict[str, Any], *, aside: bool
) -> Speaking | None:
    """
    The response that begins; None if it failed at once.

    Raises:
        Refused: there is no model to ask.
    """
    try:
        reply = session.server.reply(session, view, {})
    except Refused as exc:
        if exc.status == 400:
            raise
        _fail(session, view, exc, made)
        return None
    return Speaking(session, reply, made, aside=aside)


def _fail(session: RealtimeSession, view: View, refused: Refused, made: dict[str, Any]) -> None:
    new_id = session.server.new_id
    nothing = Reply(new_id("resp_"), view, Turn(), (), Usage(input=0, output=0), new_id, {})
    begun = response(nothing, "in_progress", None, [], made, ended=False)
    session.emit("response.created", {"response": begun})
    details = {"type": "failed", "error": words.error(refused)["error"]}
    last = response(nothing, "failed", details, [], made, ended=True)
    session.emit("response.done", {"response": last})
