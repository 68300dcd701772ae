"""
What a model said in one response, and what it is answered, whoever the provider is.  Pure values.

Theory of operation.  A format reads a provider's response into a `WireTurn`, which holds what the
wire says and judges nothing.  A `Toolset` knows what was offered; it makes a `ModelTurn` of it, in
which every call either has a tool and arguments, or a `problem` with a sentence for the model.
What has a problem is never executed and never raised: it is answered.  A format makes messages of
the answers again.  Who executes is none of their business.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Stop(StrEnum):
    """
    Why a model stopped, in one vocabulary for all providers.
    """

    END = "end"  # it has said what it wanted
    CALLS = "calls"  # it waits for results
    LENGTH = "length"  # cut off; the last call may be half a call
    REFUSED = "refused"  # the model or its filter declined
    CANCELLED = "cancelled"  # somebody interrupted it
    PAUSED = "paused"  # it wants to be asked again to go on
    FAILED = "failed"  # the provider could not go on
    UNKNOWN = "unknown"  # a word that this client does not know


class Problem(StrEnum):
    """
    Why a call is answered without being executed.
    """

    MALFORMED = "malformed"  # its arguments are no JSON object
    TRUNCATED = "truncated"  # the response ended before the call did
    CANCELLED = "cancelled"  # the response was interrupted
    UNKNOWN_TOOL = "unknown_tool"
    NOT_OFFERED = "not_offered"  # a tool that exists, but not for this response
    REPEATED = "repeated"  # its call id has been answered already


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCall:
    """
    A call as the wire has it.  `call_id` is "" where the provider has none; `arguments` are JSON
    text or an object; `echo` are fields that go back verbatim with the result.  `detail` says to
    the model what the `problem` is, where the problem alone does not.
    """

    call_id: str
    name: str
    arguments: str | Mapping[str, Any]
    problem: Problem | None = None
    detail: str = ""
    echo: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """
    What one response, or several, took.  `cached` and `cache_written` are part of `input`,
    `reasoning` is part of `output`.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            **{name: getattr(self, name) + getattr(other, name) for name in self.__slots__}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WireTurn:
    """
    One response as the wire has it.  `messages` go back into the history as they are, before any
    result; `model` is the provider's word for the model, "" if it said none.  `reason` is what the
    provider says, for people, of a stop that is none of the model's: "" if it says nothing.
    """

    text: str = ""
    calls: tuple[RawCall, ...] = ()
    stop: Stop = Stop.UNKNOWN
    messages: tuple[dict[str, Any], ...] = ()
    tokens: Tokens = Tokens()
    model: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """
    A call that was read.  With a `problem` it has no arguments, and `detail` says to the model what
    is wrong and what to do; `tool` is toolcell's name, "" if no tool has the name that was called.
    """

    raw: RawCall
    tool: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
    detail: str = ""

    @property
    def call_id(self) -> str:
        return self.raw.call_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTurn:
    """
    One response, read: see `WireTurn`.
    """

    provider: str
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    stop: Stop = Stop.UNKNOWN
    messages: tuple[dict[str, Any], ...] = ()
    tokens: Tokens = Tokens()
    model: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What the model is told about one call: a JSON value, and whether it is an error.
    """

    call: ToolCall
    value: Any
    failed: bool = False

    @property
    def text(self) -> str:
        """
        The value as text: a string as it is, anything else as JSON.
        """
        if isinstance(self.value, str):
            return self.value
        return json.dumps(self.value, ensure_ascii=False)
