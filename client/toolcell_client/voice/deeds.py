"""
What a dialogue wants done: values, for whoever has a connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.formats import OfferedTool, WireTurn


@dataclass(frozen=True, slots=True)
class Send:
    """
    Send an event to the provider.
    """

    event: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Execute:
    """
    Run a tool; tell `progressed`, `ended` or `approval_needed` with the same `key`.  `token` and
    `pin` are the approval's.
    """

    key: str
    tool: str
    arguments: Mapping[str, Any]
    version: str = ""
    token: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)
    confirmed: bool = False  # the user has said yes to this very call
    offered: OfferedTool | None = None  # as it was when it was called


@dataclass(frozen=True, slots=True)
class Cancel:
    """
    End an execution.  Nothing more is to be told of it.
    """

    key: str


@dataclass(frozen=True, slots=True)
class Say:
    """
    Let the program say a line that is no part of the conversation.
    """

    text: str


@dataclass(frozen=True, slots=True)
class AwaitDecision:
    """
    Ask now and then how an approval was decided, and tell `decided` with the same `key`.
    """

    key: str
    approval_id: str


@dataclass(frozen=True, slots=True)
class Account:
    """
    Count what a response took; `model` is the provider's word for the model.
    """

    turn: WireTurn
    model: str


@dataclass(frozen=True, slots=True)
class Report:
    """
    Show the program an error of the provider's.
    """

    error: Mapping[str, Any]


Deed = Send | Execute | Cancel | Say | AwaitDecision | Account | Report
