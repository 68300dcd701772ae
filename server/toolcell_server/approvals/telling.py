"""
What a person is told of a call before saying yes.  Pure.

Theory of operation.  The arguments were written by a model, perhaps under somebody else's orders,
and the person who reads them decides.  So nothing in them can pose as a line of ours: each value is
JSON on one line, and what does not print (escape sequences, marks that reverse the direction of
text) is spelled out.  What is left out is counted where it is missing, and the message says on its
first line that it is not complete: a long harmless beginning must not hide what comes after it.
What the operator's redaction masks is masked before anything else is done, and the message says
that something is: a model may choose a name that sounds like a secret for what it wants to hide.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.scopes import GLOBAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from toolcell_server.gates import Call
    from toolcell_server.grants import Grant
    from toolcell_server.tool import Tool

    Redact = Callable[[Tool, Mapping[str, Any]], Mapping[str, Any]]

MASK: Final = "(masked)"
MAXIMUM_VALUE: Final = 1000  # characters of one argument, as JSON; head and tail of a longer one
MAXIMUM_ARGUMENTS: Final = 30
MAXIMUM_KEY: Final = 100
MAXIMUM_GRANTS: Final = 64
MAXIMUM_GRANT: Final = 500
_INCOMPLETE: Final = "NOT COMPLETE: some of what it asks for is too long to be shown."
_MASKED: Final = "PARTLY MASKED: some values are hidden, because their names sound like secrets."
_MASKED_PREVIEW: Final = "PARTLY MASKED: some of what would change is a secret, and not shown."
_SECRET: Final = re.compile(
    r"pass(word|wd|phrase)|secret|token|api_?key|private_?key|authorization|credential",
    re.IGNORECASE,
)
_VERBS: Final = {
    pb.PATH_ACCESS_READ: "read",
    pb.PATH_ACCESS_WRITE: "write",
    pb.PATH_ACCESS_STAGED: "replace",
}


class Told(NamedTuple):
    """
    The message; the arguments in it as JSON text by name; and whether they are all there.
    """

    summary: str
    arguments: str
    complete: bool


def masked(_tool: Tool, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    The arguments with the values of keys that sound like secrets masked, at any depth.
    """
    return {key: _masked(key, value) for key, value in arguments.items()}


def tell(call: Call, grant: Grant, redact: Redact) -> Told:
    """
    What the call would do, for people.
    """
    tool, principal = call.tool, call.principal
    redacted = redact(tool, call.arguments)
    shown, all_shown = _shown(redacted)
    allowed = _allowed(grant)
    longest = max(map(len, allowed), default=0)
    complete = all_shown and len(allowed) <= MAXIMUM_GRANTS and longest <= MAXIMUM_GRANT
    more = [f"  {len(allowed) - MAXIMUM_GRANTS} more, left out here"]
    asks = printable(principal.name) or "somebody who was not asked for a name"
    session = f" in session {printable(principal.session)}" if principal.session else ""
    lines = [
        *(() if complete else (_INCOMPLETE,)),
        *(() if redacted == call.arguments else (_MASKED,)),
        f"{tool.name} {tool.version}: {printable(tool.title or _first_line(tool.description))}",
        *_carried(tool),
        f"asked for by {asks}{session}",
        f"effects: {tool.effects}",
        "arguments:",
        *(f"  {key} = {value}" for key, value in shown.items()),
        "would be allowed to:",
        *(f"  {shortened(line, MAXIMUM_GRANT)}" for line in allowed[:MAXIMUM_GRANTS]),
        *(() if allowed else ("  touch nothing outside its cell",)),
        *(more if len(allowed) > MAXIMUM_GRANTS else ()),
    ]
    return Told("\n".join(lines), json.dumps(shown, ensure_ascii=False), complete)


def _carried(tool: Tool) -> Iterator[str]:
    """
    Where a tool comes from that nobody installed: what it says of itself is its registrant's word.
    """
    if tool.carried is not None:
        whose = "everybody" if tool.scope == GLOBAL else f"this caller alone ({tool.scope.kind})"
        payload = printable(json.dumps(tool.carried.payload, ensure_ascii=False))
        yield f"registered at run time for {whose}, edition {tool.edition}"
        yield f"runs {tool.carried.carrier}: {shortened(payload, MAXIMUM_GRANT)}"


def previewed(tool: Tool, text: str, redact: Redact) -> str:
    """
    What would change, without what the operator's redaction takes out of a result.
    """
    shown = str(redact(tool, {"preview": text})["preview"])
    return text if shown == text else f"{_MASKED_PREVIEW}\n{shown}"


def printable(text: str) -> str:
    r"""
    The text on one line, with what does not print spelled out as `\u001b`.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def shortened(text: str, maximum: int) -> str:
    """
    Head and tail of a text that is longer than that, and how much is missing between them.
    """
    if len(text) <= maximum:
        return text
    half = maximum // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters left out … {text[-half:]}"


def _shown(arguments: Mapping[str, Any]) -> tuple[dict[str, str], bool]:
    complete = len(arguments) <= MAXIMUM_ARGUMENTS
    shown: dict[str, str] = {}
    for key, value in list(arguments.items())[:MAXIMUM_ARGUMENTS]:
        text = printable(json.dumps(value, ensure_ascii=False, default=str))
        complete = complete and len(text) <= MAXIMUM_VALUE and len(key) <= MAXIMUM_KEY
        name = shortened(printable(key), MAXIMUM_KEY)
        complete = complete and name not in shown
        shown[name] = shortened(text, MAXIMUM_VALUE)
    return shown, complete


def _masked(key: str, value: Any) -> Any:
    if _SECRET.search(key):
        return MASK
    if isinstance(value, dict):
        return {each: _masked(each, inner) for each, inner in value.items()}
    if isinstance(value, list):
        return [_masked("", inner) for inner in value]
    return value


def _allowed(grant: Grant) -> list[str]:
    found = [f"{_VERBS.get(each.access, 'use')} {printable(each.path)}" for each in grant.paths]
    found += [f"connect to {printable(rule.text)}" for rule in grant.domains]
    if grant.report_only:
        found.append("connect to anything: domains are only reported")
    if grant.profile == "subprocess":
        found.append("start programs")
    return found


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def short(summary: str) -> str:
    """
    A message on one line of at most 240 bytes: what fits into the details of a status.
    """
    return shortened(" | ".join(summary.split("\n")), 160).encode()[:240].decode(errors="ignore")
