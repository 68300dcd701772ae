"""
What a docstring tells a model: Google, NumPy, Sphinx and Epydoc styles.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field

import docstring_parser


@dataclass(frozen=True, slots=True)
class Documentation:
    """
    `description` is summary and body; `parameters` maps names to descriptions.
    """

    description: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    returns: str = ""


def read(docstring: str | None) -> Documentation:
    """
    The parts of a docstring.  One that no style explains is all description.
    """
    if not docstring:
        return Documentation()
    text = inspect.cleandoc(docstring)
    try:
        parsed = docstring_parser.parse(text)
    except docstring_parser.ParseError:
        return Documentation(description=text)
    parts = (parsed.short_description, parsed.long_description)
    returned = parsed.returns.description if parsed.returns else ""
    return Documentation(
        description="\n\n".join(part.strip() for part in parts if part),
        parameters={p.arg_name: _one_line(p.description) for p in parsed.params if p.description},
        returns=_one_line(returned),
    )


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
