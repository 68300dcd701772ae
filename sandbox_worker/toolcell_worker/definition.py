"""
A Python callable as a tool: its manifest, and how it is called with JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from toolcell_worker import coercion
from toolcell_worker.errors import ArgumentsInvalid, ResultInvalid
from toolcell_worker.signature import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_worker.context import Context
    from toolcell_worker.signature import Parameter, Signature


class LoadedTool(Protocol):
    """
    What a catalogue holds.
    """

    @property
    def manifest(self) -> dict[str, Any]:
        """
        The manifest as CATALOGUE carries it.
        """

    @property
    def folder(self) -> str:
        """
        Where its code lies; paths in its tracebacks are shown relative to it.
        """

    def call(self, arguments: bytes | dict[str, Any], context: Context) -> Any:
        """
        Run the tool.

        Returns:
            Its result, or a coroutine, generator or async generator that has yet to run.

        Raises:
            ArgumentsInvalid: the arguments are not what the tool declares.
        """

    def check_result(self, encoded: bytes) -> None:
        """
        Raises:
            ResultInvalid: the result, as JSON, is not what the tool declares.
        """


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """
    A function and what it declares.  `option` names an option of the bundle without which the
    tool is not loaded; empty: it always is.
    """

    function: Callable[..., Any]
    signature: Signature
    manifest: dict[str, Any]
    option: str = ""

    @property
    def folder(self) -> str:
        """
        As `LoadedTool.folder`.
        """
        return str(Path(self.function.__code__.co_filename).parent)

    def call(self, arguments: bytes | dict[str, Any], context: Context) -> Any:
        """
        As `LoadedTool.call`.
        """
        given = decode(arguments)
        known = {parameter.name for parameter in self.signature.parameters}
        if unknown := sorted(set(given) - known):
            raise ArgumentsInvalid(f"unknown argument {unknown[0]!r}; known are {sorted(known)}")
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for parameter in self.signature.parameters:
            value = _value(parameter, given)
            if parameter.positional:
                positional.append(value)
            else:
                named[parameter.name] = value
        if self.signature.context:
            named[self.signature.context] = context
        return self.function(*positional, **named)

    def check_result(self, encoded: bytes) -> None:
        """
        As `LoadedTool.check_result`.
        """
        if self.signature.returns is ABSENT:
            return
        try:
            coercion.from_json(msgspec.json.decode(encoded), self.signature.returns)
        except ValueError as exc:
            raise ResultInvalid(f"the result is not what the tool declares: {exc}") from None


def decode(arguments: bytes | dict[str, Any]) -> dict[str, Any]:
    """
    The arguments as a dict.

    Raises:
        ArgumentsInvalid: they are not one JSON object.
    """
    if isinstance(arguments, dict):
        return arguments
    try:
        value = msgspec.json.decode(arguments or b"{}")
    except (msgspec.DecodeError, RecursionError) as exc:
        raise ArgumentsInvalid(f"the arguments are not JSON: {exc}") from None
    if not isinstance(value, dict):
        raise ArgumentsInvalid("the arguments are not a JSON object")
    return value


def _value(parameter: Parameter, given: dict[str, Any]) -> Any:
    if parameter.name not in given:
        if parameter.default is ABSENT:
            raise ArgumentsInvalid(f"the argument {parameter.name!r} is missing")
        return parameter.default
    try:
        return coercion.from_json(given[parameter.name], parameter.annotation)
    except ValueError as exc:
        reason = " ".join(str(exc).split())  # pydantic writes several lines
        raise ArgumentsInvalid(f"the argument {parameter.name!r} is wrong: {reason}") from None
