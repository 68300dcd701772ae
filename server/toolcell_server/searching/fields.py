"""
What of a tool is searched, and how much a word counts by where it stands.  Pure.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.searching import words

if TYPE_CHECKING:
    from toolcell_server.tool import Tool

_NAME: Final = 4.0
_TITLE: Final = 3.0
_TAG: Final = 3.0
_CATEGORY: Final = 2.0
_DESCRIPTION: Final = 1.5
_PARAMETER: Final = 1.0
_EXPLANATION: Final = 0.5  # of a parameter
_MOST_WORDS: Final = 500  # of one tool; a long description has two hundred
_MOST_PARAMETERS: Final = 200


def weighted(tool: Tool) -> Mapping[str, float]:
    """
    The words of a tool with their weights.
    """
    weights: defaultdict[str, float] = defaultdict(float)
    for weight, word in itertools.islice(_words(tool), _MOST_WORDS):
        weights[word] += weight
    return weights


def _words(tool: Tool) -> Iterator[tuple[float, str]]:
    yield from ((_NAME, word) for word in words.of_name(tool.name))
    for weight, text in (
        (_TITLE, tool.title),
        *((_TAG, tag) for tag in tool.tags),
        (_CATEGORY, tool.category),
        (_DESCRIPTION, tool.description),
    ):
        yield from ((weight, word) for word in words.of_text(text))
    for name, explanation in _parameters(tool.parameters):
        yield from ((_PARAMETER, word) for word in words.of_text(name))
        yield from ((_EXPLANATION, word) for word in words.of_text(explanation))


def _parameters(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """
    The names and descriptions of a tool's parameters, those at the top.
    """
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping):
        return
    for name, part in itertools.islice(properties.items(), _MOST_PARAMETERS):
        explanation = part.get("description", "") if isinstance(part, Mapping) else ""
        yield name, explanation if isinstance(explanation, str) else ""
