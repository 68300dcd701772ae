"""
A small model for trying things by hand: rules instead of a neural network.  Pure.

Theory of operation.  The text of the user is split at "and", "then" and ";" into wishes; each rule
that finds its words in a wish, and its tool among those that are offered, makes a call.  Calls of
one text are parallel; what comes after "then" waits for the results of what came before.  A wish
of the form `NAME {JSON}` calls any tool.  When all wishes have results, the model says what they
are, and of those that failed, that they did.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.turns import Calls, Says

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_client.testing.providers.turns import Turn
    from toolcell_client.testing.providers.view import Answered, View

Arguments = dict[str, Any]
THEN = re.compile(r"[,;.]?\s+then\s+", re.IGNORECASE)
AND = re.compile(r"[,;]?\s+and\s+(?=[a-z]+\b)|;\s*", re.IGNORECASE)
EXACT = re.compile(r"(?:call |use )?([A-Za-z_][\w.-]*)\s*(\{.*\})\s*", re.DOTALL)
SHOWN_CHARACTERS = 300  # of one result, in what the model says

# By the tool: what the wish looks like, and the arguments of its groups.
RULES: dict[str, tuple[str, Callable[[re.Match[str]], Arguments]]] = {
    "calculate": (
        r"(?:calculate|compute|what is)\s+([-+*/%.()\w\s,^]*\d[-+*/%.()\w\s,^]*)",
        lambda found: {"expression": found[1].strip().rstrip("?.").replace("^", "**")},
    ),
    "current_time": (
        r"\btime\b(?:\s+is\s+it)?(?:\s+in\s+([\w/+-]+))?",
        lambda found: {"timezone": found[1]} if found[1] else {},
    ),
    "write_file": (
        r"write\s+(?:\"([^\"]*)\"|'([^']*)'|(\S+))\s+(?:to|into)\s+(\S+)",
        lambda found: {"path": found[4], "content": found[1] or found[2] or found[3] or ""},
    ),
    "read_file": (r"read\s+(?:the\s+file\s+)?(\S+)", lambda found: {"path": found[1]}),
    "list_files": (
        r"list\s+(?:the\s+)?files(?:\s+in\s+(\S+))?",
        lambda found: {"path": found[1] or "."},
    ),
    "run_python": (r"run\s+(?:the\s+)?python\s*:?\s*(.+)", lambda found: {"code": found[1]}),
    "run_shell": (r"run\s+(?:the\s+)?shell\s*:?\s*(.+)", lambda found: {"command": found[1]}),
    "http_request": (
        r"(?:fetch|get|open)\s+(https?://\S+)",
        lambda found: {"url": found[1]},
    ),
    "query_sqlite": (
        r"query\s+(\S+)\s*:?\s*(select\b.+)",
        lambda found: {"database": found[1], "sql": found[2]},
    ),
    "system_info": (r"\bsystem\b", lambda _: {}),
}


def demo_model(view: View) -> Turn:
    """
    The next turn.
    """
    answered = len(view.results)
    for wishes in _stages(view.user_text):
        calls = [call for wish in wishes if (call := _call(view, wish))]
        if answered < len(calls):
            return Calls(*calls, text="Let me see.")
        answered -= len(calls)
    if view.results:
        return Says("\n".join(_told(each) for each in view.results))
    names = ", ".join(each.name for each in view.tools) or "none"
    return Says(f"I know no tool for that. Tools that I have: {names}.")


def _stages(text: str) -> list[list[str]]:
    """
    Wishes that may be granted at once, and after them those that come then.  JSON stays whole.
    """
    if EXACT.fullmatch(text.strip()):
        return [[text]]
    return [AND.split(stage) for stage in THEN.split(text)]


def _call(view: View, wish: str) -> tuple[str, Arguments] | None:
    if exact := EXACT.fullmatch(wish.strip()):
        try:
            arguments = json.loads(exact[2])
        except ValueError:
            return None
        if not view.offers(exact[1]) or not isinstance(arguments, dict):
            return None
        return exact[1], arguments
    for name, (pattern, arguments_of) in RULES.items():
        found = re.search(pattern, wish, re.IGNORECASE)
        if found and view.offers(name):
            return name, _whole(view, name, arguments_of(found))
    return None


def _whole(view: View, name: str, arguments: Arguments) -> Arguments:
    """
    As a model that is held to a strict schema writes them: null for what it leaves out.
    """
    required = [
        each
        for tool in view.tools
        if tool.name == name and tool.strict
        for each in tool.parameters.get("required", ())
    ]
    return arguments | {each: None for each in required if each not in arguments}


def _told(answer: Answered) -> str:
    value = answer.value
    if isinstance(value, dict) and "text" in value:
        value = value["text"]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    word = "failed" if answer.failed else "says"
    return f"{answer.name} {word}: {text[:SHOWN_CHARACTERS]}"
