"""
What a provider is told of each tool of a set, and what that leaves out.  Pure.

Theory of operation.  A tool is exported once for each way, and the result is kept: a conversation
asks again in each turn.  In strict mode a provider may also limit all tools of a request together;
then the first tools in the order of definitions are strict, as many as fit.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.aliases import property_aliases
from toolcell_client.formats.limits import OPENAI_DESCRIPTION_CHARACTERS
from toolcell_client.formats.loosened import Loosened
from toolcell_client.formats.offered import Offer
from toolcell_client.formats.properties import declared_names, renamed
from toolcell_client.formats.providers import PROVIDERS
from toolcell_client.formats.restoring import restored
from toolcell_client.formats.schemas import exported, exported_strictly
from toolcell_client.formats.strict_requests import Request
from toolcell_client.formats.subsets import NEVER_STRICT, PROPERTY_RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from toolcell_client.formats.loosened import Strictness
    from toolcell_client.formats.offered import OfferedTool
    from toolcell_client.formats.schemas import Exported


class Offers:
    """
    Offers of some tools by their aliases.
    """

    def __init__(self, tools: Mapping[str, OfferedTool], aliases: Mapping[str, str]) -> None:
        self.tools = tools
        self.aliases = aliases
        self._by_alias = {alias: name for name, alias in aliases.items()}
        self._exported: dict[tuple[str, str, bool], Exported] = {}
        self._properties: dict[str, Mapping[str, str]] = {}

    def named(self, called: str) -> str:
        """
        The tool that a model means; "" if there is none.
        """
        found = self._by_alias.get(called, called)
        return found if found in self.tools else ""

    def made(
        self, tools: Sequence[OfferedTool], provider: str, strict: Strictness
    ) -> tuple[list[Offer], list[Loosened]]:
        """
        Raises:
            ValueError: there is no such provider, or a schema cannot be offered so.
        """
        _check(provider, strict)
        never = bool(strict) and provider in NEVER_STRICT
        request = Request(provider) if strict and not never else None
        offers, notes = [], [_never(provider)] if never else []
        for tool in tools:
            offer, found = self._made(tool, provider, request)
            offers.append(offer)
            notes += found
        if strict is True:
            _check_strict(provider, notes)
        return offers, notes

    def restored(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """
        Arguments for a tool of that name, as its own schema has them.
        """
        names = {alias: own for own, alias in self._aliases(name).items()}
        return restored(arguments, self.tools[name].parameters, names)

    def properties(self, name: str, provider: str) -> dict[str, str]:
        """
        What a provider is told instead of the names of properties that it does not take.
        """
        rule = PROPERTY_RULES.get(provider)
        if rule is None:
            return {}
        return {own: alias for own, alias in self._aliases(name).items() if not rule.fullmatch(own)}

    def _made(
        self, tool: OfferedTool, provider: str, request: Request | None
    ) -> tuple[Offer, list[Loosened]]:
        notes: list[Loosened] = []
        if request is not None:
            held = self._once(tool, provider, exported_strictly)
            notes = [*held.notes, *request.over(tool.name, held)]
            if not any(each.prevents_strict for each in notes):
                request.add(held)
                return self._offer(tool, provider, held, notes, strict=True)
            notes = [each for each in notes if each.prevents_strict]
        plain = self._once(tool, provider, exported)
        return self._offer(tool, provider, plain, [*notes, *plain.notes], strict=False)

    def _offer(
        self,
        tool: OfferedTool,
        provider: str,
        found: Exported,
        notes: list[Loosened],
        *,
        strict: bool,
    ) -> tuple[Offer, list[Loosened]]:
        description, cut = _description(tool, provider)
        offer = Offer(
            name=self.aliases[tool.name],
            description=description,
            parameters=renamed(found.parameters, self.properties(tool.name, provider)),
            returns=found.returns,
            strict=strict,
        )
        return offer, [*notes, *cut]

    def _once(
        self, tool: OfferedTool, provider: str, export: Callable[[OfferedTool, str], Exported]
    ) -> Exported:
        key = (tool.name, provider, export is exported_strictly)
        if key not in self._exported:
            self._exported[key] = export(tool, provider)
        return self._exported[key]

    def _aliases(self, name: str) -> Mapping[str, str]:
        if name not in self._properties:
            names = declared_names(self.tools[name].parameters)
            self._properties[name] = property_aliases(names)
        return self._properties[name]


def _check(provider: str, strict: Strictness) -> None:
    if provider not in PROVIDERS:
        raise ValueError(f"no provider is called {provider!r}; there are {', '.join(PROVIDERS)}")
    if strict not in (True, False, "where_possible"):
        raise ValueError(f'strict is True, False or "where_possible", not {strict!r:.80}')
    if strict is True and provider in NEVER_STRICT:
        raise ValueError(f"{provider} has no strict mode; {NEVER_STRICT[provider]}")


def _never(provider: str) -> Loosened:
    return Loosened(
        tool="",
        place="",
        keyword="strict",
        reason=f"{provider} has no strict mode",
        remedy=NEVER_STRICT[provider],
        prevents_strict=True,
    )


def _check_strict(provider: str, notes: Sequence[Loosened]) -> None:
    wrong = [str(each) for each in notes if each.prevents_strict]
    if wrong:
        raise ValueError(
            f'these cannot be strict for {provider}; mend them, or use strict="where_possible":\n'
            + "\n".join(wrong)
        )


def _description(tool: OfferedTool, provider: str) -> tuple[str, list[Loosened]]:
    most = OPENAI_DESCRIPTION_CHARACTERS
    if not provider.startswith("openai") or len(tool.description) <= most:
        return tool.description, []
    note = partial(Loosened, tool=tool.name, place="", keyword="description")
    reason = f"it is cut: OpenAI takes {most} characters, and it has {len(tool.description)}"
    return f"{tool.description[: most - 1]}…", [note(reason=reason, remedy="shorten it")]
