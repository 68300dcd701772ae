"""
Calculates.
"""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

from toolcell_worker import ToolError, arithmetic, tool


class Calculation(msgspec.Struct, kw_only=True):
    """
    `value` is a number; `text` the same in decimal digits, exact for integers of any size (many
    programs read JSON numbers with 53 bits only).
    """

    value: int | float
    text: str


@tool(
    title="Calculate",
    category="mathematics",
    tags=["arithmetic", "mathematics", "calculator"],
    effects="read_only",
    idempotent=True,
)
def calculate(
    expression: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)],
) -> Calculation:
    """
    Calculate an arithmetic expression exactly. Use it for any arithmetic beyond a few digits.

    Knows + - * / // % ** and parentheses, the constants pi, e, tau, lists such as sum([1, 2]), and
    functions: sqrt, cbrt, exp, log, log2, log10, sin, cos, tan (radians) and their inverses,
    degrees, radians, factorial, comb, perm, gcd, lcm, floor, ceil, round, abs, min, max, sum, mean,
    prod, hypot.

    Args:
        expression: For example (17.5 * 12) / 3 + sqrt(2). Write 2^10 as 2**10.

    Returns:
        The value, as a number and as digits.
    """
    try:
        value = arithmetic.evaluate(expression)
    except arithmetic.Unsupported as exc:
        raise _error(f"{expression[:200]!r} cannot be calculated: {exc}", "UNSUPPORTED") from None
    except ZeroDivisionError:
        raise _error(f"{expression[:200]!r} divides by zero", "DIVISION_BY_ZERO") from None
    except (ArithmeticError, ValueError, TypeError) as exc:
        raise _error(f"{expression[:200]!r} has no value: {exc}", "NO_VALUE") from None
    if not math.isfinite(value):
        raise _error(f"{expression[:200]!r} is not a finite number", "NO_VALUE")
    return Calculation(value=value, text=str(value))


def _error(message: str, code: str) -> ToolError:
    hint = "Correct the expression; run_python can do what is not arithmetic."
    spoken = "I could not calculate that."
    return ToolError(message, code=code, category="user", hint=hint, spoken=spoken)
