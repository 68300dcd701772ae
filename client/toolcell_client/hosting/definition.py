"""
What is offered of a function: its manifest, and how it is called.
"""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from toolcell_client.hosting import schemas
from toolcell_client.hosting.calls import AsyncHostedCall, HostedCall

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MARK: Final = "__toolcell_hosted__"
_CALLS: Final = {HostedCall.__name__, AsyncHostedCall.__name__}
Function = TypeVar("Function", bound="Callable[..., Any]")


class BadTool(TypeError):  # noqa: N818  # names what happened
    """
    Raised when a function cannot be hosted as it is; the text says why, and what to do.
    """


@dataclass(frozen=True, slots=True)
class HostedTool:
    """
    One tool that this program offers: `manifest` has the keys of any tool's (name, version,
    description, parameters, returns, effects, idempotent, limits, ...).  `call_parameter` is the
    parameter that gets the `HostedCall`, if the function asks for it.
    """

    function: Callable[..., Any]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    call_parameter: str = ""

    @classmethod
    def of(cls, function: Callable[..., Any] | HostedTool, **manifest: Any) -> HostedTool:
        """
        The tool that a function is.  What the manifest does not say is taken from the function: its
        name, its docstring, its type hints.

        Raises:
            BadTool: something is missing that neither says.
        """
        if isinstance(function, HostedTool):
            return function
        if not callable(function):
            raise BadTool(f"{function!r} is no function; offer functions")
        manifest = {**getattr(function, MARK, {}), **manifest}
        name = manifest.setdefault("name", getattr(function, "__name__", ""))
        description = manifest.setdefault("description", _paragraphs(function))
        if not description:
            raise BadTool(f"{name} has no description; give it a docstring, or description=")
        try:
            call = _call_parameter(function)
            if "parameters" not in manifest:
                manifest["parameters"] = schemas.of_parameters(function, {call})
            if "returns" not in manifest and (returns := _returns(function)) is not None:
                manifest["returns"] = returns
            json.dumps(manifest, allow_nan=False)
        except (schemas.NoSchema, TypeError, ValueError) as exc:
            raise BadTool(f"{name} cannot be hosted: {exc}") from exc
        return cls(function, manifest, call)

    @property
    def name(self) -> str:
        return str(self.manifest["name"])

    @property
    def key(self) -> tuple[str, str]:
        """
        Name and version, as the server calls it.
        """
        return self.name, str(self.manifest.get("version", "1"))

    def manifest_json(self) -> bytes:
        """
        As it is offered.
        """
        return json.dumps(dict(self.manifest), ensure_ascii=False, allow_nan=False).encode()

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function) or inspect.isasyncgenfunction(
            self.function
        )


@overload
def hosted(function: Function, /) -> Function: ...
@overload
def hosted(**manifest: Any) -> Callable[[Function], Function]: ...
def hosted(function: Any = None, /, **manifest: Any) -> Any:
    """
    Mark a function as one to be hosted, with keys of its manifest: `@hosted`, `@hosted(version="2",
    effects="read_only")`.  It stays the function that it is; `toolcell host` serves marked ones.
    """

    def mark(marked: Any) -> Any:
        setattr(marked, MARK, manifest)
        return marked

    return mark if function is None else mark(function)


def _paragraphs(function: Callable[..., Any]) -> str:
    """
    The docstring, up to what it says of its arguments.
    """
    text = inspect.getdoc(function) or ""
    for heading in ("\nArgs:", "\nArguments:", "\nParameters:", "\nReturns:", "\nRaises:"):
        text = text.partition(heading)[0]
    return text.strip()


def _call_parameter(function: Callable[..., Any]) -> str:
    """
    By what the hint is called: it may be a text, of what was imported for types only.
    """
    for name, hint in getattr(function, "__annotations__", {}).items():
        if name != "return" and _CALLS & set(re.findall(r"\w+", str(hint))):
            return str(name)
    return ""


def _returns(function: Callable[..., Any]) -> dict[str, Any] | None:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return None  # the hint speaks of what it yields
    return schemas.of_result(function)
