"""
The providers by name.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolcell_client.formats.format import Format

# By the module that has its `FORMAT`; loaded when it is first asked for.
PROVIDERS = {
    "openai": "openai_chat",
    "openai-functions": "openai_functions",
    "openai-responses": "openai_responses",
    "openai-realtime": "openai_realtime",
    "anthropic": "anthropic_messages",
    "gemini": "gemini",
}


def format_of(provider: str) -> Format:
    """
    Raises:
        ValueError: no provider is called so; names those that are.
    """
    if provider not in PROVIDERS:
        raise ValueError(f"no provider is called {provider!r}; there are {', '.join(PROVIDERS)}")
    found: Format = import_module(f"toolcell_client.formats.{PROVIDERS[provider]}").FORMAT
    return found
