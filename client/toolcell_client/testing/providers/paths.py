"""
Which wire format a path belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_client.testing.providers.anthropic_wire import AnthropicWire
from toolcell_client.testing.providers.gemini_wire import PATH, GeminiWire
from toolcell_client.testing.providers.openai_chat_wire import OpenAiChatWire
from toolcell_client.testing.providers.openai_responses_wire import OpenAiResponsesWire

if TYPE_CHECKING:
    from toolcell_client.testing.providers.openai_responses_read import Kept
    from toolcell_client.testing.providers.reply import Wire


def wire_at(kept: Kept, path: str) -> Wire | None:
    """
    The format that is spoken there, None: nothing is there.
    """
    if path == "/v1/chat/completions":
        return OpenAiChatWire()
    if path == "/v1/responses":
        return OpenAiResponsesWire(kept)
    if path == "/v1/messages":
        return AnthropicWire()
    if PATH.fullmatch(path):
        return GeminiWire()
    return None
