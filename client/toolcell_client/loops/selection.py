"""
Which of many tools a model is offered.  Pure.

Theory of operation.  Hundreds of definitions cost tokens in every request, and models choose worse
among them.  So for each message of the user the service is asked which tools fit its words; those
are offered, with the ones that the conversation has used already (their results are in the history,
and a follow-up is likely), the ones that the model has found by itself, and those that the caller
wants there always.  With `search` the model has a tool `find_tools` to look for more, which no
server runs: what it finds can be called from its next response on, as definitions go with requests.

When there is no room for all, the caller's come first, then what the model found, what was used,
and what fits the message; of the same kind the latest.  While there is room, the
offer only grows within a message, and it is always in the order of names: providers cache the
beginning of requests, which definitions are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.offered import OfferedTool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from toolcell_client.formats.toolset import Toolset

MAXIMUM_TOOLS = 20  # arbitrary; models choose well among so many
CHARACTERS_A_TOKEN = 4  # a usual guess for English and JSON; an estimate is all that is needed
QUERY_CHARACTERS = 1_000  # the service takes 4000; the beginning of a long message says what it is
FINDS = 5  # arbitrary; of one search by the model
DESCRIPTION_CHARACTERS = 200  # arbitrary; of a find, in what the model is told

FIND_TOOLS = OfferedTool(
    name="find_tools",
    description=(
        "Finds further tools by what they do. Use it when none of the tools that you have fits."
        " What it finds can be called from your next response on."
    ),
    parameters={
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What the tool should do, in a few words."}
        },
        "required": ["query"],
        "additionalProperties": False,
    },
    effects="read_only",
    idempotent=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """
    At most `maximum` tools, whose definitions take about `maximum_tokens` at most (None: any), are
    offered; `always` are among them.  `search`: the model may look for more, with `find_tools`,
    which counts as none.

    Raises:
        ValueError: a number is not positive, or `always` are more than `maximum`.
    """

    maximum: int = MAXIMUM_TOOLS
    always: tuple[str, ...] = ()
    search: bool = True
    maximum_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.maximum < 1 or (self.maximum_tokens is not None and self.maximum_tokens < 1):
            raise ValueError("selection: maximum and maximum_tokens must be positive")
        if len(self.always) > self.maximum:
            raise ValueError(f"selection: always names more than maximum={self.maximum} tools")

    def choose(
        self, listed: Toolset, wanted: Iterable[str], costs: Mapping[str, int]
    ) -> tuple[str, ...]:
        """
        Names of the tools to offer, in their order: of those wanted, the most wanted first, as many
        as there is room for.  `costs` are the tokens of definitions.

        Raises:
            ValueError: a tool of `always` cannot be offered, or `find_tools` is a tool of the
                service, too.
        """
        self._check(listed)
        left = self.maximum_tokens
        chosen: list[str] = []
        for name in dict.fromkeys((*self.always, *wanted)):
            if name not in listed.tools or len(chosen) == self.maximum:
                continue
            if left is not None:
                if name not in self.always and costs[name] > left:
                    continue
                left -= costs[name]
            chosen.append(name)
        return tuple(sorted(chosen))

    def offered(self, listed: Toolset, names: Iterable[str]) -> Toolset:
        """
        The tools of these names, with the aliases that they have in all, and `find_tools`.
        """
        kept = set(names)
        some = listed.without(*(name for name in listed.tools if name not in kept))
        return some.with_tools((FIND_TOOLS,)) if self.search else some

    def _check(self, listed: Toolset) -> None:
        if missing := sorted(set(self.always) - set(listed.tools)):
            raise ValueError(f"selection: always names {missing[0]!r}, which cannot be offered")
        if self.search and FIND_TOOLS.name in listed.tools:
            raise ValueError(
                "selection: a tool of the service is called find_tools, too; use search=False"
            )


def tokens_of(listed: Toolset, provider: str) -> dict[str, int]:
    """
    About how many tokens the definition of each tool takes.
    """
    return {name: _estimate(listed.definitions(provider, only=[name])) for name in listed.tools}


def query_of(arguments: Mapping[str, Any]) -> str:
    """
    What the model looks for; "": it did not say.
    """
    query = arguments.get("query")
    return query.strip()[:QUERY_CHARACTERS] if isinstance(query, str) else ""


def finds(listed: Toolset, names: Iterable[str]) -> dict[str, Any]:
    """
    What the model is told of its search.
    """
    found = [
        {"name": each.name, "description": each.description[:DESCRIPTION_CHARACTERS]}
        for each in (listed.tools[name] for name in names if name in listed.tools)
    ]
    if not found:
        return {"found": [], "note": "No tool fits. Try other words, or go on without one."}
    return {"found": found, "note": "You can call them from your next response on."}


def _estimate(definitions: list[dict[str, Any]]) -> int:
    written = sum(len(json.dumps(each, ensure_ascii=False)) for each in definitions)
    return -(-written // CHARACTERS_A_TOKEN)
