"""
Values that nobody is shown by mistake.  Pure.
"""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar

Value = TypeVar("Value")


class Hidden(Generic[Value]):
    """
    A value that no repr, message or copy on disk shows.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Value) -> None:
        self._value = value

    def reveal(self) -> Value:
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled or copied")
