"""
Tools that are offered to a model: definitions for any provider, and the way back to calls.  Pure.

Theory of operation.  A toolset never changes: what is derived from it (`with_tools`, `without`) is
another, in which a tool keeps the alias that it had, because the model may have it in its history.
Definitions come in the order of names, whatever order the tools came in: a provider that caches the
beginning of a prompt finds it again.

The way back needs no memory of what was exported.  An alias of a property is put back wherever the
tool's own schema declares that property.  A null is left out where the tool's schema declares the
property, does not require it, and does not admit null: strict mode makes a model write null for
what it leaves out, and without strict mode such a call could only be refused.  So neither a set nor
the one who reads a call must know which tools were strict, or for which provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from toolcell_client.formats.aliases import tool_aliases
from toolcell_client.formats.modes import MODES
from toolcell_client.formats.offers import Offers
from toolcell_client.formats.providers import format_of
from toolcell_client.formats.reading import REPEATABLE, read_call
from toolcell_client.formats.schema_shapes import check_parameters, check_schema
from toolcell_client.formats.turns import ModelTurn, Problem, Stop

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from toolcell_client.formats.loosened import Loosened, Strictness
    from toolcell_client.formats.offered import OfferedTool
    from toolcell_client.formats.turns import Answer, RawCall, ToolCall, WireTurn


class Toolset:
    """
    Some tools, by name.  `names`: what models are to call a tool, for those where it is not the
    tool's own name.  `aliases` is what each tool is called in the end.

    Raises:
        ValueError: two tools have one name, a schema is none, or `names` cannot be used.
    """

    def __init__(
        self, tools: Iterable[OfferedTool], names: Mapping[str, str] | None = None
    ) -> None:
        ordered = sorted(tools, key=lambda each: each.name)
        self.tools = {each.name: each for each in ordered}
        if len(self.tools) != len(ordered):
            called = [each.name for each in ordered]
            twice = next(each for each in called if called.count(each) > 1)
            raise ValueError(f"two tools are called {twice!r}; offer one of them")
        for each in ordered:
            check_parameters(each.parameters, each.name)
            check_schema({} if each.returns is None else each.returns, f"what {each.name} returns")
        self.aliases: Mapping[str, str] = tool_aliases(self.tools, names or {})
        self._offers = Offers(self.tools, self.aliases)

    def definitions(
        self,
        provider: str,
        *,
        strict: Strictness = False,
        only: Collection[str] | None = None,
    ) -> list[dict[str, Any]]:
        """
        The value of `tools` in a request to that provider, of all tools or of some.  `strict`: True
        holds the model to every schema, "where_possible" to those that can be strict.

        Raises:
            ValueError: there is no such provider or tool, a schema cannot be offered, or, with
                `strict=True`, cannot be strict; lists all reasons.
        """
        offers, _ = self._offers.made(self._some(only), provider, strict)
        return format_of(provider).definitions(offers)

    def explain(
        self,
        provider: str,
        *,
        strict: Strictness = "where_possible",
        only: Collection[str] | None = None,
    ) -> list[Loosened]:
        """
        What definitions for that provider do not say, and why which tools are not strict.

        Raises:
            ValueError: as `definitions`.
        """
        return self._offers.made(self._some(only), provider, strict)[1]

    def choice(
        self,
        provider: str,
        mode: str = "auto",
        *,
        only: Collection[str] | None = None,
        parallel: bool | None = None,
    ) -> dict[str, Any]:
        """
        Fields of a request that say how the model may call: `mode` is "auto", "none", "required",
        or the name of the tool that it must call; with `only` it may call no others.

        Raises:
            ValueError: there is no such provider, mode or tool, or the provider cannot be told.
        """
        allowed = [] if only is None else [self.aliases[each.name] for each in self._some(only)]
        if mode in MODES:
            self._check_callable(mode, only)
            return format_of(provider).choice(mode, allowed, parallel=parallel)
        name = self._known(mode, f"mode is one of {', '.join(MODES)}, or a tool")
        if only is not None and self.aliases[name] not in allowed:
            raise ValueError(f"{name} must be called, and `only` leaves it out; add it there")
        return format_of(provider).choice("one", [self.aliases[name]], parallel=parallel)

    def turn(self, provider: str, response: Any, only: Collection[str] | None = None) -> ModelTurn:
        """
        Read a whole response; calls of tools that are not in `only` have a problem.

        Raises:
            ValueError: it is no response of that provider, or `only` names no tool of this set.
        """
        return self.read(provider, format_of(provider).turn(response), only)

    def read(self, provider: str, wire: WireTurn, only: Collection[str] | None = None) -> ModelTurn:
        """
        The same of what a format or an accumulator has read.  Of two calls with one id the second
        has a problem.
        """
        answered: set[str] = set()
        calls = []
        for raw in wire.calls:
            calls.append(self.call(raw, only, answered=answered))
            answered.add(raw.call_id)
        return ModelTurn(
            provider=provider,
            text=wire.text,
            calls=tuple(calls),
            stop=Stop.CALLS if wire.calls and wire.stop is Stop.END else wire.stop,
            messages=wire.messages,
            tokens=wire.tokens,
            model=wire.model,
            reason=wire.reason,
        )

    def call(
        self,
        raw: RawCall,
        only: Collection[str] | None = None,
        *,
        answered: Collection[str] = (),
    ) -> ToolCall:
        """
        Read one call.  `answered` are ids of calls that are not to be answered again.
        """
        return read_call(self._offers, raw, [each.name for each in self._some(only)], answered)

    def properties(self, provider: str, tool: str) -> dict[str, str]:
        """
        Aliases that a tool's properties have in definitions for that provider, by their own names;
        of those alone that have one.

        Raises:
            ValueError: there is no such tool.
        """
        return self._offers.properties(self._known(tool, "properties takes one"), provider)

    def results(self, provider: str, answers: Sequence[Answer]) -> list[dict[str, Any]]:
        """
        Messages that answer all calls of a turn.  Of calls with one id the first is answered, as a
        second result for an id makes the next request fail; providers that count results get all.
        """
        if provider not in REPEATABLE:
            answers = [each for each in answers if each.call.problem is not Problem.REPEATED]
        return format_of(provider).results(answers)

    def with_tools(
        self, tools: Iterable[OfferedTool], names: Mapping[str, str] | None = None
    ) -> Self:
        """
        These and others, such as those that only have a schema.

        Raises:
            ValueError: as the constructor.
        """
        given = {**self._kept(self.tools), **(names or {})}
        return type(self)([*self.tools.values(), *tools], given)

    def without(self, *names: str) -> Self:
        """
        These but for some.

        Raises:
            ValueError: one of them is not here.
        """
        gone = {self._known(each, "without takes names of tools") for each in names}
        rest = [each for each in self.tools.values() if each.name not in gone]
        return type(self)(rest, self._kept(each.name for each in rest))

    def _some(self, only: Collection[str] | None) -> list[OfferedTool]:
        if only is None:
            return list(self.tools.values())
        if isinstance(only, str):
            raise ValueError(f"only={only!r} is one name; write [{only!r}]")  # noqa: TRY004
        names = {self._known(each, "only takes names of tools") for each in only}
        return [each for each in self.tools.values() if each.name in names]

    def _known(self, name: str, rule: str) -> str:
        found = self._offers.named(name)
        if not found:
            raise ValueError(f"no tool here is called {name!r}; {rule}: {_listed(self.tools)}")
        return found

    def _check_callable(self, mode: str, only: Collection[str] | None) -> None:
        if mode == "required" and not self._some(only):
            raise ValueError("a call is required, and no tool is offered; offer one, or use auto")

    def _kept(self, names: Iterable[str]) -> dict[str, str]:
        return {each: self.aliases[each] for each in names if self.aliases[each] != each}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:20]) or "there are none"
