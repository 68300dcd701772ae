"""
Formats of LLM providers: definitions of tools, calls, streams and results, as plain dictionaries.
"""

from toolcell_client.formats.loosened import Loosened
from toolcell_client.formats.offered import OfferedTool
from toolcell_client.formats.providers import PROVIDERS, format_of
from toolcell_client.formats.toolset import Toolset
from toolcell_client.formats.turns import (
    Answer,
    ModelTurn,
    Problem,
    RawCall,
    Stop,
    Tokens,
    ToolCall,
    WireTurn,
)

__all__ = [
    "PROVIDERS",
    "Answer",
    "Loosened",
    "ModelTurn",
    "OfferedTool",
    "Problem",
    "RawCall",
    "Stop",
    "Tokens",
    "ToolCall",
    "Toolset",
    "WireTurn",
    "format_of",
]
