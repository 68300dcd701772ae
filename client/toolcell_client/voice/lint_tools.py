"""
Rules of the voice lint about a tool as a whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from toolcell_client.voice.lint import Finding, parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.formats import OfferedTool

SHORTEST, LONGEST = 20, 600  # characters of a description; a voice model reads all before it speaks
MOST_REQUIRED = 4  # what a user says in one breath
TRIGGER = re.compile(
    r"\buse (this )?(when|if|for)\b|\bwhen the user\b|\bcall (this )?when\b"
    r"|\bverwende(n)?\b.*\bwenn\b|\bwenn der (nutzer|benutzer)\b",
    re.IGNORECASE | re.DOTALL,
)
MARKUP = re.compile(r"```|^#{1,6} |^\s*[-*] |\*\*|__|\[[^\]]+\]\([^)]+\)|`|^\|", re.MULTILINE)
CONFIRMS = re.compile(
    r"confirm|\bask\b|explicit yes|bestätig|irreversib|cannot be undone|permanent", re.IGNORECASE
)
DESTROYS = re.compile(
    r"(?:^|[^a-z])(delete|remove|wipe|drop|purge|erase|destroy|cancel)", re.IGNORECASE
)


def says_when(tool: OfferedTool) -> Iterator[Finding]:
    """
    The words of a user that mean this tool.
    """
    if not TRIGGER.search(tool.description):
        yield Finding(
            tool.name,
            "no-trigger",
            "warning",
            "description",
            "It does not say what a user says when this tool is meant.",
            'Add a sentence: Use when the user says "…" or asks for ….',
        )


def has_a_length(tool: OfferedTool) -> Iterator[Finding]:
    """
    Long enough to choose by, short enough to read.
    """
    length = len(tool.description.strip())
    if length < SHORTEST:
        yield Finding(
            tool.name,
            "description-short",
            "error" if not length else "warning",
            "description",
            f"It has {length} characters; a model cannot tell the tool from others.",
            "Say in one or two sentences what it does and for whom.",
        )
    if length > LONGEST:
        yield Finding(
            tool.name,
            "description-long",
            "warning",
            "description",
            f"It has {length} characters; a voice model reads all of them before each answer.",
            f"Keep it below {LONGEST}; move details to the parameters or drop them.",
        )


def is_plain(tool: OfferedTool) -> Iterator[Finding]:
    """
    No markup: it is read aloud.
    """
    places = {"description": tool.description}
    places |= {each.place: each.text for each in parameters(tool)}
    for place, text in places.items():
        if found := MARKUP.search(text):
            yield Finding(
                tool.name,
                "markup",
                "note",
                place,
                f"It holds markup ({found[0].strip()[:20]}), which models repeat aloud.",
                "Write plain sentences.",
            )


def confirms(tool: OfferedTool) -> Iterator[Finding]:
    """
    What destroys says so, and is marked so.
    """
    if tool.effects == "destructive" and not CONFIRMS.search(tool.description):
        yield Finding(
            tool.name,
            "destructive-unsaid",
            "error",
            "description",
            "It destroys, and its description does not say that the user has to confirm it.",
            "Add: This cannot be undone; the user has to confirm it.",
        )
    named = DESTROYS.search(tool.name.replace("_", " ").lower())
    if tool.effects == "writes" and named:
        yield Finding(
            tool.name,
            "destructive-unmarked",
            "error",
            "effects",
            f'Its name says "{named[1]}", and its effects are "writes": nobody is asked for a yes.',
            'Set effects = "destructive", or rename it.',
        )


def asks_for_little(tool: OfferedTool) -> Iterator[Finding]:
    """
    Few values are needed.
    """
    required = [each.name for each in parameters(tool) if each.required]
    if len(required) > MOST_REQUIRED:
        yield Finding(
            tool.name,
            "many-required",
            "warning",
            "parameters.required",
            f"It needs {len(required)} values; a user does not say so many in one breath.",
            f"Require at most {MOST_REQUIRED}; give the others defaults.",
        )


TOOL_RULES = (says_when, has_a_length, is_plain, confirms, asks_for_little)
