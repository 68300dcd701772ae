"""
Expressions in workflows: JMESPath, read by its library and evaluated within bounds.  Pure.

Theory of operation.  JMESPath has no loops and no names of its own, so every expression ends; but
it can repeat what it is given (`[@,@]|[@,@]|…` doubles with each step), and whoever wrote it may be
hostile.  So each node that is visited costs a step, and so does each part of every value that is
put together anew, that a function goes through, or that is compared; who runs out of steps is told
so.  Expressions that are evaluated for one purpose share an `Allowance`: each of a thousand may be
cheap enough.  What comes out is therefore small enough to walk, and is walked: expressions can give
things that JSON does not have (`&name`, NaN).

`roots` are the names that an expression asks of the values around it, found without evaluating.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter

from toolcell_server.workflows.problems import NotFilled

if TYPE_CHECKING:
    from collections.abc import Mapping

MAXIMUM_TEXT: Final = 1000  # characters
MAXIMUM_STEPS: Final = 100_000  # about 50 ms
TOGETHER: Final = 5 * MAXIMUM_STEPS  # of all expressions of a call's arguments
EVERYTHING: Final = "@"  # a root: all the values
_TEXT_OF_A_STEP: Final = 64  # characters
_MAKES: Final = frozenset(
    {"multi_select_list", "multi_select_dict", "function_expression", "flatten"}
)
_FROM_THE_LEFT: Final = frozenset(
    {"subexpression", "index_expression", "pipe", "projection", "value_projection"}
    | {"filter_projection", "flatten"}
)
# What these do costs the same, however much they are given.
_LOOK_ONLY: Final = frozenset({"length", "not_null", "to_array", "type"})
_NONE: Final = frozenset({"expref", "literal", "index", "slice"})


@dataclass(frozen=True, slots=True)
class Expression:
    """
    One expression.
    """

    text: str
    roots: frozenset[str]
    tree: Mapping[str, Any]


@dataclass(slots=True)
class Allowance:
    """
    The steps that are left for several expressions together.
    """

    left: int = TOGETHER


def parsed(text: str) -> Expression:
    """
    Raises:
        NotFilled: it is too long, or no expression.
    """
    if len(text) > MAXIMUM_TEXT:
        raise NotFilled(
            "EXPRESSION_TOO_LONG", f"an expression has at most {MAXIMUM_TEXT} characters"
        )
    try:
        tree = jmespath.compile(text).parsed
        return Expression(text, frozenset(_roots(tree)), tree)
    except (JMESPathError, ValueError) as exc:
        said = str(exc).splitlines()[0][:200]
        raise NotFilled("EXPRESSION_MALFORMED", f"is no JMESPath expression: {said}") from None
    except RecursionError:
        raise NotFilled("EXPRESSION_MALFORMED", "is nested too deeply") from None


def evaluated(
    expression: Expression, values: Mapping[str, Any], allowance: Allowance | None = None
) -> Any:
    """
    The JSON value that it gives; `allowance` is shared with other expressions.

    Raises:
        NotFilled: it cannot be evaluated with these values, or would take too long.
    """
    steps = _Steps(allowance or Allowance())
    try:
        found = steps.visit(expression.tree, values)
        steps.spend(found)
    except NotFilled:
        raise
    except (JMESPathError, ArithmeticError, TypeError, ValueError) as exc:
        said = str(exc).splitlines()[0][:200]
        raise NotFilled("EXPRESSION_FAILED", f"{expression.text}: {said}") from None
    except RecursionError:
        raise NotFilled("EXPRESSION_FAILED", f"{expression.text}: nested too deeply") from None
    return found


def holds(expression: Expression, values: Mapping[str, Any]) -> bool:
    """
    Whether it gives what JMESPath takes for true: anything but false, null and what is empty.

    Raises:
        NotFilled: as `evaluated`.
    """
    found = evaluated(expression, values)
    return found is not None and found is not False and found not in ("", [], {})


class _Steps(TreeInterpreter):
    """
    Evaluates, and counts.
    """

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(jmespath.Options(custom_functions=_Paid(self)))
        self._left = MAXIMUM_STEPS
        self._allowance = allowance

    def visit(self, node: Any, *values: Any, **named: Any) -> Any:
        self._pay(1)
        found = super().visit(node, *values, **named)
        if node["type"] in _MAKES:
            self.spend(found, whole=False)
        elif node["type"] == "slice" and isinstance(found, list):
            self._pay(len(found))
        return found

    def visit_comparator(self, node: Any, value: Any) -> Any:
        """
        As its own, but what is compared is paid for before it is; the smaller side is enough.
        """
        left, right = (self.visit(child, value) for child in node["children"])
        if isinstance(left, list | dict) and type(left) is type(right) and len(left) == len(right):
            self.spend(left, whole=False)
        found = [{"type": "literal", "value": each, "children": []} for each in (left, right)]
        compared: Any = {**node, "children": found}
        return super().visit_comparator(compared, value)

    def spend(self, value: Any, *, whole: bool = True) -> None:
        """
        Pay for each part of a value; `whole`: it is what the expression gives, and must be JSON.
        """
        parts = [value]
        while parts:
            part = parts.pop()
            self._pay(1)
            match part:
                case str():
                    self._pay(len(part) // _TEXT_OF_A_STEP)
                case list():
                    parts.extend(part)
                case dict():
                    parts.extend(part.values())
                case float() if not math.isfinite(part):
                    raise NotFilled("EXPRESSION_FAILED", "gives a number that JSON does not have")
                case None | bool() | int() | float():
                    pass
                case _ if whole:
                    raise NotFilled("EXPRESSION_FAILED", "gives no JSON value")

    def pay_through(self, value: Any) -> None:
        """
        Pay for what goes through a value once, and not into its parts.
        """
        if isinstance(value, list | dict):
            self._pay(len(value))
        elif isinstance(value, str):
            self._pay(len(value) // _TEXT_OF_A_STEP)

    def _pay(self, steps: int) -> None:
        self._left -= steps
        self._allowance.left -= steps
        if min(self._left, self._allowance.left) < 0:
            raise NotFilled(
                "EXPRESSION_TOO_COSTLY", "an expression takes too many steps, or gives too much"
            )


class _Paid(Functions):
    """
    The functions of JMESPath; what they go through is paid for before they do.
    """

    def __init__(self, steps: _Steps) -> None:
        self._steps = steps

    def call_function(self, function_name: Any, resolved_args: Any) -> Any:
        if function_name == "contains":  # compares with every part
            self._steps.spend(resolved_args, whole=False)
        elif function_name not in _LOOK_ONLY:
            for each in resolved_args:
                self._steps.pay_through(each)
        return super().call_function(function_name, resolved_args)


def _roots(node: Mapping[str, Any]) -> set[str]:
    kind, children = node["type"], node["children"]
    if kind == "field":
        return {node["value"]}
    if kind in ("current", "identity"):
        return {EVERYTHING}
    if kind in _NONE:
        return set()
    if kind in _FROM_THE_LEFT:
        return _roots(children[0])
    return set().union(*map(_roots, children))
