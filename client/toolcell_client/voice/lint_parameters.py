"""
Rules of the voice lint about one parameter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from toolcell_client.voice.lint import Finding, Parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.formats import OfferedTool

LONGEST = 300  # characters of a description
MOST_CHOICES = 12  # arbitrary; nobody chooses among more by ear
UNSPEAKABLE = re.compile(r"[^\w\s'-]|[a-z][A-Z]|\d[a-zA-Z]|[a-zA-Z]\d|^[A-Z0-9]{4,}$")
ID_NAME = re.compile(r"(?:^|_)(id|ids|uuid|guid|hash|sha256|token|key)$", re.IGNORECASE)
ID_FORMATS = {"uuid", "uri", "uri-reference", "iri", "ipv4", "ipv6", "regex", "json-pointer"}
MEASURE = re.compile(
    r"(?:^|_)(timeout|duration|delay|interval|age|size|length|width|height|distance|weight|speed"
    r"|temperature|amount|price|cost|budget|limit_bytes|volume)(?:_|$)",
    re.IGNORECASE,
)
UNIT = re.compile(
    r"second|minute|hour|day|week|month|year|byte|\b[kmgt]i?b\b|met(er|re)|\bmiles?\b|kilo|gram"
    r"|pound|celsius|fahrenheit|kelvin|degree|percent|dollar|euro|usd|eur|cent|pixel|liter|litre"
    r"|character|word|line|item|sekunde|stunde|tage|prozent",
    re.IGNORECASE,
)


def is_described(tool: OfferedTool, parameter: Parameter) -> Iterator[Finding]:
    """
    What of the user's words goes here.
    """
    if not parameter.text.strip():
        yield Finding(
            tool.name,
            "parameter-undescribed",
            "warning",
            parameter.place,
            "It has no description; the model guesses what of the user's words goes here.",
            "Say in a few words what it is, with an example as a user would say it.",
        )
    if len(parameter.text) > LONGEST:
        yield Finding(
            tool.name,
            "parameter-long",
            "note",
            parameter.place,
            f"Its description has {len(parameter.text)} characters.",
            f"Keep it below {LONGEST}.",
        )


def says_its_default(tool: OfferedTool, parameter: Parameter) -> Iterator[Finding]:
    """
    What happens when it is left out.
    """
    stated = "default" in parameter.schema or "default" in parameter.text.lower()
    if not parameter.required and not stated:
        yield Finding(
            tool.name,
            "no-default",
            "warning",
            parameter.place,
            "It may be left out, and nothing says what happens then: the model asks the user.",
            'Give it a default, or say in its description: "default: …".',
        )


def can_be_chosen(tool: OfferedTool, parameter: Parameter) -> Iterator[Finding]:
    """
    Choices that can be said.
    """
    choices = parameter.schema.get("enum")
    if not isinstance(choices, list):
        return
    odd = [each for each in choices if isinstance(each, str) and UNSPEAKABLE.search(each)]
    if odd:
        yield Finding(
            tool.name,
            "enum-unspeakable",
            "warning",
            parameter.place,
            f"Nobody says {str(odd[0])[:40]!r} aloud.",
            "Use words as values, and let the tool translate them.",
        )
    if len(choices) > MOST_CHOICES:
        yield Finding(
            tool.name,
            "enum-long",
            "note",
            parameter.place,
            f"There are {len(choices)} choices; they cannot be offered aloud.",
            f"Offer at most {MOST_CHOICES}, or take free text and match it in the tool.",
        )


def is_no_id(tool: OfferedTool, parameter: Parameter) -> Iterator[Finding]:
    """
    Nobody says a UUID.
    """
    if not parameter.required:
        return
    form = parameter.schema.get("format")
    if ID_NAME.search(parameter.name) or form in ID_FORMATS or "pattern" in parameter.schema:
        yield Finding(
            tool.name,
            "id-required",
            "warning",
            parameter.place,
            "It is required, and no user can say it: an id, an address or a pattern.",
            "Take a name instead, or say which other tool finds it.",
        )


def has_a_unit(tool: OfferedTool, parameter: Parameter) -> Iterator[Finding]:
    """
    Five of what.
    """
    is_number = {"number", "integer"} & set(parameter.types)
    said = f"{parameter.name.replace('_', ' ')} {parameter.text}"
    if is_number and MEASURE.search(parameter.name) and not UNIT.search(said):
        yield Finding(
            tool.name,
            "no-unit",
            "warning",
            parameter.place,
            "It is a measure without a unit: five minutes become five.",
            "Put the unit into its name or description: timeout_seconds.",
        )


def is_flat(tool: OfferedTool, parameter: Parameter) -> Iterator[Finding]:
    """
    No values within values.
    """
    if "object" in parameter.types:
        yield Finding(
            tool.name,
            "nested",
            "note",
            parameter.place,
            "It is an object; models fill nested values from speech badly.",
            "Flatten it into parameters of its own.",
        )


PARAMETER_RULES = (is_described, says_its_default, can_be_chosen, is_no_id, has_a_unit, is_flat)
