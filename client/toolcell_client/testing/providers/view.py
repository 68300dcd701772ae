"""
A conversation as a scripted model sees it, whoever the provider is.  Pure values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Said:
    """
    Text of the "user" or of the "assistant".
    """

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """
    A call that the model made; `arguments` is JSON text.
    """

    name: str
    arguments: str
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """
    What the client answered.  `failed` is None where the provider's format cannot say it.
    """

    name: str
    text: str
    call_id: str = ""
    failed: bool | None = None

    @property
    def value(self) -> Any:
        """
        The text as JSON if it is JSON, else the text.
        """
        try:
            return json.loads(self.text)
        except ValueError:
            return self.text


@dataclass(frozen=True, slots=True)
class SeenTool:
    """
    A tool that the client offers.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False


Entry = Said | Called | Answered


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """
    Everything of one request.  `choice` is "auto", "none", "required" or "one"; `allowed` are the
    names that the client allows, empty: all.  `cacheable`: the client asks for a cache, or the
    provider keeps one unasked.
    """

    provider: str
    model: str
    instructions: str = ""
    tools: tuple[SeenTool, ...] = ()
    entries: tuple[Entry, ...] = ()
    choice: str = "auto"
    allowed: tuple[str, ...] = ()
    parallel: bool = True
    stream: bool = False
    cacheable: bool = True

    @property
    def user_text(self) -> str:
        """
        What the user said last.
        """
        said = [e.text for e in self.entries if isinstance(e, Said) and e.role == "user"]
        return said[-1] if said else ""

    @property
    def results(self) -> list[Answered]:
        """
        Answers since the user spoke last, in order.
        """
        found: list[Answered] = []
        for entry in self.entries:
            if isinstance(entry, Said) and entry.role == "user":
                found = []
            elif isinstance(entry, Answered):
                found.append(entry)
        return found

    @property
    def latest(self) -> list[Answered]:
        """
        Answers to the last turn with calls.
        """
        found: list[Answered] = []
        for entry in self.entries:
            if isinstance(entry, Answered):
                found.append(entry)
            else:
                found = []
        return found

    def offers(self, name: str) -> bool:
        """
        Whether the model may call it in this response.
        """
        offered = any(each.name == name for each in self.tools)
        return offered and self.choice != "none" and (not self.allowed or name in self.allowed)
