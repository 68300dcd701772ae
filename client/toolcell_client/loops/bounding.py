"""
Cuts what a model is told to what its context has room for.  Pure.

Theory of operation.  A result that fits goes whole.  One that does not is cut where it can be cut
and stay JSON: long lists keep their first and last items, long texts their beginning and end, large
objects their first properties, each with a mark of how much is missing; ever more is taken away
until it fits.  What is one long text, or does not fit even so, is cut as text.  Either way a
sentence says that something is missing, and how to read it, if it is kept: a model that takes a
part for the whole answers wrongly.

Sizes are characters, as contexts are not bytes, and Python's characters cannot be cut in half.
Halves of characters that came with a result (lone surrogates) are replaced: no provider's JSON
takes them, and one would make the whole request fail.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from toolcell_client.formats.pieces import too_deep_to_send

# How many items of a list or object, and characters of a text, are kept; tried one after the other.
STEPS = ((100, 4_000), (40, 1_000), (20, 400), (10, 200), (6, 100), (4, 60), (2, 40))
DEEPEST = 12  # arbitrary; below it, a value is cut as its text
MINIMUM_CHARACTERS = 200  # less has no room for the sentence
SENTENCE_CHARACTERS = 400  # room that is left for it
LEAST_CHARACTERS = 1_000  # of an answer that has no more room, so that it says something


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """
    Characters of one answer: of a result or an error, and of each stream of output that is shown
    with an error.  Once the answers of a turn have `turn_characters` together, those that come
    later have `LEAST_CHARACTERS` each.
    """

    result_characters: int = 16_000  # about 4000 tokens
    turn_characters: int = 64_000
    output_characters: int = 2_000

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < MINIMUM_CHARACTERS:
                raise ValueError(f"{name} must be at least {MINIMUM_CHARACTERS}")


def text_of(value: Any) -> str:
    """
    As `Answer.text` has it.
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def encodable(value: Any) -> Any:
    """
    The value as every provider's SDK can send it: a lone surrogate is replaced by a question mark,
    a number that JSON has not (1e999 is read as one) is its name, and what is too deep is its text.
    """
    text = text_of(value)
    clean = text if text.isascii() else text.encode("utf-8", "replace").decode()
    if isinstance(value, str) or too_deep_to_send(value):
        return clean
    if clean == text and not any(each in text for each in ("Infinity", "NaN")):
        return value
    return json.loads(clean, parse_constant=str)


def shortened(value: Any, characters: int) -> Any:
    """
    The value, cut so that its text has at most so many characters: the same kind of value, or, if
    that cannot be, a text.
    """
    if len(text_of(value)) <= characters:
        return value
    if isinstance(value, dict | list):
        for items, letters in STEPS:
            cut = _cut(value, items, letters, 0)
            if len(text_of(cut)) <= characters:
                return cut
    return shortened_text(text_of(value), characters)


def shortened_text(text: str, characters: int) -> str:
    """
    Beginning and end, with what is missing between them.
    """
    if len(text) <= characters:
        return text
    kept = max(0, characters - 60)  # room for the mark
    head, tail = kept - kept // 3, kept // 3
    mark = f"\n… {len(text) - head - tail} characters left out …\n"
    return (text[:head] + mark + text[len(text) - tail :])[: max(characters, len(mark))]


def _cut(value: Any, items: int, letters: int, depth: int) -> Any:
    if isinstance(value, str):
        return shortened_text(value, letters) if len(value) > letters + 60 else value
    if isinstance(value, dict | list) and depth >= DEEPEST:
        return shortened_text(text_of(value), letters)
    if isinstance(value, list):
        return _cut_list(value, items, letters, depth)
    if isinstance(value, dict):
        kept = list(value.items())[: items if len(value) > items + 1 else None]
        cut = {
            shortened_text(name, 120): _cut(each, items, letters, depth + 1) for name, each in kept
        }
        if len(kept) < len(value):
            cut["…"] = f"{len(value) - len(kept)} properties left out"
        return cut
    return value


def _cut_list(value: list[Any], items: int, letters: int, depth: int) -> list[Any]:
    if len(value) <= items + 1:
        return [_cut(each, items, letters, depth + 1) for each in value]
    tail = items // 3
    head = [_cut(each, items, letters, depth + 1) for each in value[: items - tail]]
    rest = [_cut(each, items, letters, depth + 1) for each in value[len(value) - tail :]]
    return [*head, f"… {len(value) - items} items left out …", *rest]
