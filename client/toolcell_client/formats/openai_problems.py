"""
Why a call of OpenAI's formats is answered without being executed.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_client.formats.too_much import TOO_LONG, TOO_MANY
from toolcell_client.formats.turns import Problem

if TYPE_CHECKING:
    from toolcell_client.formats.pieces import Pieces

FREE_TEXT = "This was called with free text; nothing ran. Call a function, with a JSON object."


def problem_of(
    problem: Problem | None, written: Pieces, *, surplus: bool, custom: bool
) -> tuple[Problem | None, str]:
    """
    The problem, and what the model is told of it where the problem does not say so.  A call with
    free text instead of JSON is `custom`: none is ever offered.
    """
    if surplus:
        return Problem.TRUNCATED, TOO_MANY
    if written.cut:
        return Problem.TRUNCATED, TOO_LONG
    if problem is None and custom:
        return Problem.MALFORMED, FREE_TEXT
    return problem, ""
