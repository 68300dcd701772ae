"""
What providers take: names, sizes and counts.  Constants.

Most of these are enforced by live services only; no SDK checks them.  Where a number comes from is
said beside it: "type" is the provider's own SDK, "documentation" a copy of the provider's page,
"error" the literal text of a refusal.  A number that is wrong is corrected here and nowhere else.
"""

from __future__ import annotations

import re
from typing import Final

# Fits OpenAI (type), Anthropic (documentation) and Gemini (type) at once.
NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")
NAME_CHARACTERS: Final = 64

PROPERTY: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}")  # Gemini (type); fits all
PROPERTY_CHARACTERS: Final = 64
ANTHROPIC_PROPERTY: Final = re.compile(r"[a-zA-Z0-9_.-]{1,64}")  # error

OPENAI_DESCRIPTION_CHARACTERS: Final = 1024  # error: "string too long", of a function

# OpenAI's strict schemas (documentation).
OPENAI_PROPERTIES: Final = 5000
OPENAI_LEVELS: Final = 10
OPENAI_CHARACTERS: Final = 120_000  # of names of properties and definitions, enums and consts
OPENAI_ENUM_VALUES: Final = 1000
OPENAI_LARGE_ENUM: Final = 250  # one of more values than this has a limit of its own:
OPENAI_LARGE_ENUM_CHARACTERS: Final = 15_000
OPENAI_FORMATS: Final = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)

# Anthropic's strict tools, of one request (documentation).
ANTHROPIC_STRICT_TOOLS: Final = 20
ANTHROPIC_OPTIONAL: Final = 24
ANTHROPIC_UNIONS: Final = 16
ANTHROPIC_FORMATS: Final = OPENAI_FORMATS | {"uri"}

# Ours.  openai-agents bounds the schemas that it converts by the same numbers.
SCHEMA_DEPTH: Final = 100
SCHEMA_NODES: Final = 100_000

# Of arguments.  The depth is the server's; its bytes can be set up to this.
ARGUMENTS_DEPTH: Final = 64
ARGUMENTS_BYTES: Final = 12 * 2**20
ARGUMENTS_NODES: Final = 1_000_000  # arbitrary; what so many bytes could hold at most is more
ARGUMENTS_DIGITS: Final = 4300  # of one number; what Python and the server convert
