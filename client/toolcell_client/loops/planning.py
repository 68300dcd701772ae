"""
What is done with each call of a turn, decided before anything runs.  Pure.

Theory of operation.  *Running twice.*  A program that crashed or lost its answer executes the same
response again, and a payment must not be made twice.  The server joins or replays a call that has
the `request_id` of an earlier one, for as long as it keeps its ending.  So the id is made of what
names the call: the id that the provider gave it, the tool and the arguments.  But not every
provider gives ids, and some count calls from zero in each response: with such an id a question
asked again in another conversation would be answered from the first one, silently stale.  Hence an
id counts only if it is unique by itself, that is, has enough random characters; otherwise the
program may name the turn (`turn_id`, as `Conversation` does), and the place of the call in it is
part of the id.  With neither, each execution is new: to run twice is what the program asked for.

The server compares a fingerprint, too: the same id with other arguments is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from toolcell_client.formats.turns import Problem, ToolCall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.formats.offered import OfferedTool

MAXIMUM_CALL_ID_BYTES = 256  # of the contract
# 16 characters of base 36 are 82 bits, beyond any chance; "call_0" and "functions.f:3" have less,
# words have no digits, times no letters, and counters, however long, few different characters.
_RANDOM = re.compile(r"[0-9A-Za-z]{16,}")
MINIMUM_DIGITS = 2
MINIMUM_DIFFERENT = 8


class Way(StrEnum):
    """
    Who answers a call.
    """

    RUN = "run"  # a tool of the server
    EXTRACT = "extract"  # nobody runs; its arguments are the result
    TELL = "tell"  # it has a problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """
    A call and what will be done with it.  `arguments_json` is made once, so that what is approved
    is what is sent; `request_id` is "" for what does not run.  `properties` are the names that the
    model knows properties by, where they are not the tool's own.
    """

    place: int
    call: ToolCall
    way: Way
    tool: OfferedTool | None = None
    arguments_json: bytes = b""
    request_id: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """
        Of the call in `TurnResult.results` and in decisions.
        """
        return key_of(self.call, self.place)


def key_of(call: ToolCall, place: int) -> str:
    """
    The id of a call; "#" and its place where it has none, or one that looks like a place: a
    decision about one call must never be taken for one about another.
    """
    return f"#{place}" if call.call_id[:1] in ("", "#") else call.call_id


def plan(
    place: int, call: ToolCall, tool: OfferedTool | None, turn_id: str, turn_place: int
) -> Planned:
    """
    Decide about one call; `turn_place` is its place in the turn that `turn_id` names.
    """
    if call.problem is not None or tool is None:
        return Planned(place=place, call=call, way=Way.TELL, tool=tool)
    try:
        arguments = _json(call)
    except (TypeError, ValueError, RecursionError):
        detail = "The arguments are not what JSON can hold: no NaN, no half characters, no depth"
        call = replace(call, problem=Problem.MALFORMED, detail=f"{detail}; nothing ran.")
        return Planned(place=place, call=call, way=Way.TELL, tool=tool)
    return Planned(
        place=place,
        call=call,
        way=Way.EXTRACT if tool.schema_only else Way.RUN,
        tool=tool,
        arguments_json=arguments,
        request_id=request_id(turn_place, call, arguments, turn_id),
    )


def request_id(place: int, call: ToolCall, arguments: bytes, turn_id: str) -> str:
    """
    The same for the same call of the same response, as far as that can be told.
    """
    if not turn_id and not unique(call.call_id):
        return str(uuid.uuid4())
    where = f"{turn_id}\0{place}" if turn_id else ""
    named = f"{where}\0{call.call_id}\0{call.tool}".encode(errors="replace") + b"\0" + arguments
    return f"turn-{hashlib.sha256(named).hexdigest()}"


def unique(call_id: str) -> bool:
    """
    Whether no other call, of any response, has that id.
    """
    return any(
        sum(each.isdigit() for each in run) >= MINIMUM_DIGITS
        and not run.isdigit()
        and len(set(run)) >= MINIMUM_DIFFERENT
        for run in _RANDOM.findall(call_id)
    )


def echoed(call_id: str) -> str:
    """
    The id as the server echoes and logs it: a digest, if it is too long or no plain text.
    """
    if len(call_id) <= MAXIMUM_CALL_ID_BYTES and call_id.isascii() and call_id.isprintable():
        return call_id
    return f"sha256-{hashlib.sha256(call_id.encode(errors='replace')).hexdigest()}"


def _json(call: ToolCall) -> bytes:
    written = json.dumps(call.arguments, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return written.encode()
