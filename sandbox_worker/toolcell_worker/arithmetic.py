"""
Evaluates an arithmetic expression by walking its syntax tree: no names but those listed, no
attributes, no calls but those listed, and no number that takes more than a moment to compute.
"""

from __future__ import annotations

import ast
import math
import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MAXIMUM_BITS = 10_000  # about 3000 decimal digits, below what Python prints by default (4300)
MAXIMUM_DEPTH = 100  # arbitrary; deeper than anybody writes by hand

Number = int | float


class Unsupported(Exception):  # noqa: N818  # names what happened
    """
    Raised when an expression holds what is not arithmetic, or is too large; the text says what.
    """


def _bounded_power(base: Number, exponent: Number) -> Any:
    if isinstance(base, int) and isinstance(exponent, int):
        _refuse_bits(base.bit_length() * abs(exponent))
    return base**exponent


def _bounded_shift(value: Number, places: Number) -> Any:
    if isinstance(places, int) and isinstance(value, int):
        _refuse_bits(value.bit_length() + max(places, 0))
    return operator.lshift(value, places)  # floats raise TypeError


def _bounded_factorial(value: int) -> int:
    if isinstance(value, int) and value > 0:
        _refuse_bits(int(math.lgamma(value + 1) / math.log(2)))
    return math.factorial(value)


def _bounded_choice(function: Callable[..., int]) -> Callable[..., int]:
    def choose(total: int, chosen: int) -> int:
        if isinstance(total, int) and isinstance(chosen, int):
            _refuse_bits(total.bit_length() * min(abs(chosen), MAXIMUM_BITS + 1))
        return function(total, chosen)

    return choose


def _refuse_bits(bits: int) -> None:
    if bits > MAXIMUM_BITS:
        raise Unsupported(f"a number of about {bits} bits is too large; at most {MAXIMUM_BITS}")


OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _bounded_power,
    ast.LShift: _bounded_shift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
}
CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
PLAIN = (
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh degrees dist erf erfc exp"
    " exp2 expm1 fabs floor fmod fsum gamma gcd hypot isqrt lcm lgamma log log10 log1p log2"
    " radians remainder sin sinh sqrt tan tanh trunc"
)
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in PLAIN.split()},
    "abs": abs,
    "comb": _bounded_choice(math.comb),
    "factorial": _bounded_factorial,
    "max": max,
    "mean": lambda values: math.fsum(values) / len(values),
    "min": min,
    "perm": _bounded_choice(math.perm),
    "pow": _bounded_power,
    "prod": lambda values: _checked(_product(values)),
    "round": round,
    "sum": sum,
}


def evaluate(expression: str) -> Number:
    """
    The value of an expression.

    Raises:
        Unsupported: it is not arithmetic, or too large.
        ArithmeticError, ValueError, TypeError: it has no value, such as 1/0 or sqrt(-1).
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError as exc:
        raise Unsupported(f"{exc.msg} at character {exc.offset}") from None
    except (MemoryError, RecursionError, ValueError):
        raise Unsupported("it is nested too deeply, or holds what is not text") from None
    value = _value(tree.body, 0)
    if isinstance(value, bool) or not isinstance(value, Number):
        raise Unsupported("its value is not one real number")
    return value


def _product(values: list[Number]) -> Number:
    product: Number = 1
    for value in values:
        product = _checked(product * value)
    return product


def _value(node: ast.expr, depth: int) -> Any:
    if depth > MAXIMUM_DEPTH:
        raise Unsupported("it is nested too deeply")
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.Name(id=name) if name in CONSTANTS:
            return CONSTANTS[name]
        case ast.UnaryOp(op, operand) if type(op) in OPERATORS:
            return _checked(OPERATORS[type(op)](_value(operand, depth + 1)))
        case ast.BinOp(left, op, right) if type(op) in OPERATORS:
            return _checked(OPERATORS[type(op)](_value(left, depth + 1), _value(right, depth + 1)))
        case ast.List(items) | ast.Tuple(items):
            return [_value(item, depth + 1) for item in items]
        case ast.Call(ast.Name(id=name), items, []) if name in FUNCTIONS:
            return _checked(FUNCTIONS[name](*[_value(item, depth + 1) for item in items]))
    raise Unsupported(_complaint(node))


def _checked(value: Any) -> Any:
    if isinstance(value, int):
        _refuse_bits(value.bit_length())
    if not isinstance(value, Number):
        raise Unsupported("its value is not a real number")
    return value


def _complaint(node: ast.expr) -> str:
    match node:
        case ast.BinOp(_, ast.BitXor(), _):
            return "^ is not a power here: write ** instead"
        case ast.Name(id=name) | ast.Call(ast.Name(id=name)):
            return f"{name!r} is not known; known are {', '.join([*CONSTANTS, *sorted(FUNCTIONS)])}"
        case _:
            return f"{ast.unparse(node)[:50]!r} is not arithmetic"
