"""
Descriptions with what a subset cannot say in words.  Pure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_CHARACTERS = 300  # arbitrary; of what one keyword says


def described(
    made: dict[str, Any], flat: Mapping[str, Any], told: Mapping[str, Any], *, keep: bool = False
) -> dict[str, Any]:
    """
    An exported schema with the description of the one that it came from, its default and examples,
    and `told`, the limits that are said in words only.  `keep`: after the words that it has.
    """
    words = [str(flat[each]) for each in ("description",) if flat.get(each)]
    if not words and flat.get("title"):
        words = [str(flat["title"])]
    if keep and made.get("description") and made["description"] not in words:
        words.append(made["description"])
    words += [f"Default: {_short(flat['default'])}."] if flat.get("default") is not None else []
    words += [f"Examples: {_short(flat['examples'])}."] if flat.get("examples") else []
    if told:
        limits = ", ".join(f"{keyword}: {_short(value)}" for keyword, value in told.items())
        words.append(f"{{{limits}}}")
    rest = {keyword: value for keyword, value in made.items() if keyword != "description"}
    text = " ".join(words) if words else made.get("description", "")
    return {**rest, "description": text} if text else rest


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
