"""
What the next request to the model offers and says.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.loops.requesting import Request
from toolcell_client.loops.selection import FIND_TOOLS, tokens_of

if TYPE_CHECKING:
    from toolcell_client.formats.toolset import Toolset
    from toolcell_client.formats.turns import ToolCall
    from toolcell_client.loops.dialogue import Dialogue


def offered(talk: Dialogue) -> Toolset:
    """
    The tools of the next request.
    """
    select = talk.settings.select
    if select is None:
        return talk.kept.offered(talk.listed)
    wanted = (*reversed(talk.found), *reversed(talk.used), *talk.fitting)
    bounded = select.maximum_tokens is not None
    costs = tokens_of(talk.listed, talk.settings.provider) if bounded else {}
    chosen = select.choose(talk.listed, wanted, costs)
    return talk.kept.offered(select.offered(talk.listed, chosen))


def known(talk: Dialogue, toolset: Toolset) -> Toolset:
    """
    All tools by which a response is read: a tool that is listed, and was not offered this time, is
    answered as that, and not as unknown.
    """
    if talk.settings.select is None:
        return toolset
    others = (each for name, each in toolset.tools.items() if name not in talk.listed.tools)
    return talk.listed.with_tools(others)


def request(talk: Dialogue, toolset: Toolset, mode: str) -> dict[str, Any]:
    """
    The next request, as fields of the provider's API.
    """
    how = talk.settings
    return Request(
        provider=how.provider,
        model_name=how.model_name,
        instructions=how.instructions,
        history=talk.history,
        definitions=toolset.definitions(how.provider, strict=how.strict),
        mode=mode,
        parallel=how.parallel,
        extra=how.extra,
    ).fields()


def looks_for_tools(talk: Dialogue, call: ToolCall) -> bool:
    """
    Whether this is a call of `find_tools`, which no server runs.
    """
    select = talk.settings.select
    searching = select is not None and select.search
    return searching and call.problem is None and call.tool == FIND_TOOLS.name
