"""
What a search shows to whom, what it costs, and how it keeps up with the registry.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

from finding import registry, tool
from ruling import rights
from toolcell_server.permitted import PermittedTools
from toolcell_server.principal import ANYBODY, OWN_TOOLS, Principal
from toolcell_server.rights import Rights
from toolcell_server.scopes import Scope
from toolcell_server.searching.search import Search

if TYPE_CHECKING:
    import pytest
    from toolcell_server.registry import Registry
    from toolcell_server.searching.search import Found
    from toolcell_server.tool import Tool

ANNA = Principal(name="anna", scopes=frozenset({OWN_TOOLS, "tools:*"}))
BERT = Principal(name="bert", scopes=frozenset({OWN_TOOLS, "tools:*"}))


def searching(made: Registry, found: Rights | None = None) -> Search:
    return Search(made, PermittedTools(made, found or Rights()))


def find(search: Search, query: str, caller: Principal = ANYBODY) -> Found:
    return asyncio.run(search.find(query, 50, caller, lambda _: True))


def names(search: Search, query: str, caller: Principal = ANYBODY) -> list[str]:
    return [tool.name for tool, _ in (find(search, query, caller)).tools]


def own(made: Registry, caller: Principal, *tools: dict[str, Any]) -> None:
    """
    Have these tools registered for one principal.
    """
    scope = Scope("principal", caller.name)
    for value in tools:
        made.put(scope, value["name"], [of(made, value, scope)])


def of(made: Registry, value: dict[str, Any], scope: Scope) -> Tool:
    (parsed,) = made.parser.parse("registered", {"tools": [value]})
    return dataclasses.replace(parsed, scope=scope)


def test_words_are_found_in_every_part_of_a_tool() -> None:
    schema = {"type": "object", "properties": {"colour": {"description": "Its hue."}}}
    search = searching(
        registry(
            tool("paintHouse", "Covers walls.", title="Decorate", tags=["brush"], parameters=schema)
        )
    )

    for word in ("paint", "house", "painthouse", "walls", "decorating", "brushes", "colour", "hue"):
        assert ["paintHouse"] == names(search, word), word
    assert [] == names(search, "aquarium")


def test_nothing_in_a_query_is_an_operator() -> None:
    search = searching(registry(tool("read_file"), tool("write_file")))

    for query in ('"read', "read*", "NOT read", "read AND", "name:read", "(read", "read)", "-read"):
        assert "read_file" in names(search, query), query
    for query in ("''", "*", "\0", "\ud800", '" OR 1=1 --', "%", "\u202e"):
        assert [] == names(search, query), query


def test_a_tool_of_another_is_not_found_and_tells_nothing() -> None:
    made = registry(tool("common", "Reads a file."))
    search = searching(made, rights({}))
    own(made, ANNA, tool("secret_merger", "Prepares the acquisition of Globex."))

    assert ["secret_merger"] == names(search, "acquisition", ANNA)
    assert [] == names(search, "acquisition", BERT)
    assert {} == (find(search, "aquisition", BERT)).taken
    assert {"aquisition": ("acquisition",)} == (find(search, "aquisition", ANNA)).taken


def test_tools_of_others_do_not_change_the_order() -> None:
    """
    What a word is worth depends on how many tools have it: on those that the caller may call.
    """
    tools = tool("alpha", "Handles zebra."), tool("beta", "Handles okapi."), tool("okapi_two")
    alone = searching(registry(*tools), rights({}))
    made = registry(*tools)
    crowded = searching(made, rights({}))
    own(made, BERT, *(tool(f"mine_{n}", "Handles zebra, zebra and zebra.") for n in range(50)))

    def scores(found: Found) -> list[tuple[str, float]]:
        return [(tool.name, score) for tool, score in found.tools]

    for query in ("zebra okapi", "handles", "okapi"):
        assert scores(find(alone, query, ANNA)) == scores(find(crowded, query, ANNA))
    assert 50 == len((find(crowded, "zebra", BERT)).tools)


def test_a_role_finds_its_tools_and_no_others() -> None:
    made = registry(tool("files_read", "Reads a file."), tool("mail_read", "Reads a mail."))
    search = searching(made, rights({"files": ["files_*"]}))

    assert ["files_read"] == names(search, "reads", Principal(name="a", roles=frozenset({"files"})))
    assert [] == names(search, "reads", Principal(name="b"))


def test_only_the_version_that_a_call_gets_is_found() -> None:
    made = registry(
        tool("fetch", "Gets a page, the old way.", version="1"),
        tool("fetch", "Gets a page, the new way.", version="2"),
        tool("fetch", "Gets a page.", version="3", deprecated="it is wrong"),
    )

    found = find(searching(made), "page old way")

    assert [("fetch", "2")] == [(tool.name, tool.version) for tool, _ in found.tools]


def test_what_cannot_be_called_is_not_found() -> None:
    made = registry(tool("good", "Reads a page."), tool("bad", "Reads a page.", effects="odd"))

    assert ["good"] == names(searching(made), "bad page")


def test_a_change_of_one_tool_indexes_one() -> None:
    made = registry(*(tool(f"tool_{n}", f"Does thing {n}.") for n in range(300)))
    search = searching(made)
    names(search, "thing")
    before = search.index.indexed

    own(made, ANNA, tool("mine", "Does something new."))
    assert ["mine"] == names(search, "new", ANNA)
    assert before + 1 == search.index.indexed

    made.put(Scope("principal", "anna"), "mine", [])
    assert [] == names(search, "new", ANNA)
    assert before + 1 == search.index.indexed
    assert 300 == len(search.index.entries)


def test_more_changes_than_are_remembered_are_caught_up_with() -> None:
    made = registry(tool("first", "Sings."))
    made.changes._kept = type(made.changes._kept)(maxlen=3)  # as after many more
    search = searching(made)
    names(search, "sings")

    made.replace("mine", {"tools": [tool(f"t{n}", "Dances.") for n in range(9)]})

    assert 9 == len(names(search, "dances"))
    assert [] == names(search, "sings")


def test_many_search_while_the_first_makes_the_index() -> None:
    made = registry(*(tool(f"tool_{n}", f"Does thing {n}.") for n in range(200)))
    search = searching(made)

    async def together() -> list[Found]:
        asked = (search.find("thing 7", 5, ANYBODY, lambda _: True) for _ in range(20))
        return await asyncio.gather(*asked)

    assert {"tool_7"} == {found.tools[0][0].name for found in asyncio.run(together())}
    assert 200 == search.index.indexed


def test_others_have_their_turn_while_the_index_is_made() -> None:
    made = registry(*(tool(f"tool_{n}", f"Does thing {n}.") for n in range(500)))

    async def turns() -> int:
        finding = asyncio.create_task(searching(made).find("thing", 5, ANYBODY, lambda _: True))
        count = 0
        while not finding.done():
            count += 1
            await asyncio.sleep(0)
        return count

    assert asyncio.run(turns()) > 20


def test_a_query_of_many_words_looks_at_few() -> None:
    made = registry(tool("needle", "Finds straw."))
    search = searching(made)

    assert ["needle"] == names(search, "straw " + " ".join(f"w{n}" for n in range(500)))
    assert [] == names(search, " ".join(f"w{n}" for n in range(500)) + " straw")


def test_a_word_without_end_is_cut() -> None:
    search = searching(registry(tool("needle", "Finds straw.")))

    assert [] == names(search, "a" * 4000)
    assert ["needle"] == names(search, "straw " + "a" * 3900)


def test_common_words_tell_apart_what_rare_ones_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    However many tools have a word, so many are looked at and no more.
    """
    monkeypatch.setattr("toolcell_server.searching.index._MOST_HITS", 10)
    many = (tool(f"many_{n}", "Does common things.") for n in range(100))
    made = registry(tool("rare", "Does common and unusual things."), *many)
    search = searching(made)

    assert ["rare"] == names(search, "common unusual")


def test_an_empty_registry_has_nothing() -> None:
    assert [] == names(searching(registry()), "anything")
