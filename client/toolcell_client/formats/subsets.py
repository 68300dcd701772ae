"""
What part of JSON Schema each provider takes.  Values.

Sources: OpenAI's guide to structured outputs and openai-agents' `strict_schema.py`; Anthropic's
guide and `anthropic/lib/_parse/_transform.py`; `google/genai/types.py`, `response_json_schema`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from toolcell_client.formats.limits import (
    ANTHROPIC_FORMATS,
    ANTHROPIC_PROPERTY,
    OPENAI_FORMATS,
    PROPERTY,
)

_NUMBERS: Final = {
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
# Regular expressions that a grammar cannot say: to look around, and to refer back.
_NOT_REGULAR: Final = re.compile(r"\(\?(?:[=!]|<[=!])|\\[1-9]|\(\?P=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subset:
    """
    `strict`: the provider holds the model to the schema, all of whose objects are closed.
    `all_required`: what may be left out is written as null.  `keywords` are those that limit
    values and are taken; `formats` those of `format`.
    """

    provider: str
    strict: bool = False
    all_required: bool = False
    recursion: bool = True
    const: bool = True
    keywords: frozenset[str]
    formats: frozenset[str]

    def takes(self, keyword: str, value: Any) -> bool:
        """
        Whether a keyword that limits values can be said.
        """
        if keyword not in self.keywords:
            return False
        if keyword == "format":
            return value in self.formats
        if keyword == "pattern":
            return not _NOT_REGULAR.search(str(value))
        if keyword == "minItems" and self.provider == "Anthropic":
            return value in (0, 1)
        return True


OPENAI_STRICT: Final = Subset(
    provider="OpenAI",
    strict=True,
    all_required=True,
    keywords=frozenset({"pattern", "format", "minItems", "maxItems", *_NUMBERS}),
    formats=OPENAI_FORMATS,
)
ANTHROPIC_STRICT: Final = Subset(
    provider="Anthropic",
    strict=True,
    recursion=False,
    keywords=frozenset({"format", "minItems"}),
    formats=ANTHROPIC_FORMATS,
)
GEMINI: Final = Subset(
    provider="Gemini",
    const=False,
    keywords=frozenset({"format", "minItems", "maxItems", "minimum", "maximum", "prefixItems"}),
    formats=frozenset({"date-time", "date", "time", "int32", "int64", "float", "double"}),
)

STRICT: Final = {
    "openai": OPENAI_STRICT,
    "openai-responses": OPENAI_STRICT,
    "anthropic": ANTHROPIC_STRICT,
}
NEVER_STRICT: Final = {
    "openai-functions": "use openai, whose tools have",
    "openai-realtime": "leave strict out",
    "gemini": "leave strict out; its mode VALIDATED holds the model to the schemas",
}
PROPERTY_RULES: Final = {"anthropic": ANTHROPIC_PROPERTY, "gemini": PROPERTY}
