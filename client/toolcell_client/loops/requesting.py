"""
Builds a request to a provider, with the keywords of its API.  Pure.

Sources: the `create` methods of the packages `openai` and `anthropic`; for Gemini the body of
`generateContent`, which `models` turns into what `google-genai` takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toolcell_client.formats.providers import PROVIDERS, format_of

MAXIMUM_TOKENS = 4096  # arbitrary; Anthropic wants a number, and every model of theirs takes this

Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    What is asked of a model.  `definitions` are the provider's; `mode` is as in `Format.choice`.
    `extra` are further fields of the provider's API, which win.
    """

    provider: str
    model_name: str
    instructions: str
    history: Messages
    definitions: Sequence[Mapping[str, Any]] = ()
    mode: str = "auto"
    parallel: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """
        The request as keywords of the provider's API.
        """
        made = dict(BUILDERS[self.provider](self))
        if self.model_name:
            made = {"model": self.model_name, **made}
        if self.definitions:
            made[TOOLS.get(self.provider, "tools")] = [dict(each) for each in self.definitions]
            made |= _choice(self)
        return made | dict(self.extra)


def checked(provider: str) -> str:
    """
    The provider, if conversations can be had with it.

    Raises:
        ValueError: there is no such provider, or it has another loop.
    """
    if provider in PROVIDERS and provider not in BUILDERS:
        raise ValueError(f"a conversation with {provider} is spoken: see toolcell_client.voice")
    format_of(provider)
    return provider


def _choice(request: Request) -> dict[str, Any]:
    told = format_of(request.provider)
    if not request.parallel:
        try:
            return told.choice(request.mode, (), parallel=False)
        except ValueError:
            # Not every provider can be told; its calls are executed one after the other all the
            # same.
            pass
    return told.choice(request.mode, (), parallel=None)


def _chat(request: Request) -> dict[str, Any]:
    first = [{"role": "system", "content": request.instructions}] if request.instructions else []
    return {"messages": [*first, *map(dict, request.history)]}


def _responses(request: Request) -> dict[str, Any]:
    made: dict[str, Any] = {"input": [dict(each) for each in request.history]}
    return made | ({"instructions": request.instructions} if request.instructions else {})


def _anthropic(request: Request) -> dict[str, Any]:
    made: dict[str, Any] = {
        "max_tokens": MAXIMUM_TOKENS,
        "messages": [dict(each) for each in request.history],
    }
    return made | ({"system": request.instructions} if request.instructions else {})


def _gemini(request: Request) -> dict[str, Any]:
    made: dict[str, Any] = {"contents": [dict(each) for each in request.history]}
    if request.instructions:
        made["systemInstruction"] = {"parts": [{"text": request.instructions}]}
    return made


BUILDERS: dict[str, Callable[[Request], dict[str, Any]]] = {
    "openai": _chat,
    "openai-functions": _chat,
    "openai-responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
}
TOOLS = {"openai-functions": "functions"}
