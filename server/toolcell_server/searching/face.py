"""
SearchTools, as messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell.v1 import registry_pb2 as pb

from toolcell_server.refusals import InvalidField

if TYPE_CHECKING:
    from toolcell_server.principal import Principal
    from toolcell_server.searching.search import Search
    from toolcell_server.tool import Tool

LONGEST_QUERY: Final = 4000  # characters
DEFAULT_RESULTS: Final = 5
MOST_RESULTS: Final = 50
# An answer is cut short here: clients receive 4 MiB by default, and one schema can have 64 KiB.
_MOST_BYTES: Final = 2 * 2**20


async def answer(
    search: Search, request: pb.SearchToolsRequest, principal: Principal
) -> pb.SearchToolsResponse:
    """
    The tools that suit best.

    Raises:
        InvalidField: the query is empty or too long, or less than no tools are asked for.
    """
    _check(request)
    tags = set(request.tags)

    def wanted(tool: Tool) -> bool:
        return request.category in ("", tool.category) and tags <= set(tool.tags)

    most = min(request.max_results or DEFAULT_RESULTS, MOST_RESULTS)
    found = await search.find(request.query, most, principal, wanted)
    response = pb.SearchToolsResponse()
    room = _MOST_BYTES
    for tool, score in found.tools:
        described = pb.FoundTool(tool=tool.to_proto(), score=score)
        room -= described.ByteSize()
        if room < 0 and response.tools:
            break
        response.tools.append(described)
    for word, meant in found.taken.items():
        response.taken_words.add(word=word, taken_for=meant)
    return response


def _check(request: pb.SearchToolsRequest) -> None:
    if not request.query.strip():
        raise InvalidField("query", "must say what to look for")
    if len(request.query) > LONGEST_QUERY:
        said = f"must have at most {LONGEST_QUERY} characters, not {len(request.query)}"
        raise InvalidField("query", said)
    if request.max_results < 0:
        raise InvalidField("max_results", "must not be negative; 0 means the default")
