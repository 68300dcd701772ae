"""
Whether people find what they want, in their own words; beside what SQLite's full-text search finds.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from typing import Any

import pytest
from finding import manifests, queries, registry
from toolcell_server.permitted import PermittedTools
from toolcell_server.principal import ANYBODY
from toolcell_server.rights import Rights
from toolcell_server.searching import words
from toolcell_server.searching.search import Search

TOOLS = manifests()
QUERIES = queries()
MOST = 5


@pytest.fixture(scope="module")
def search() -> Search:
    tools = registry(*TOOLS)
    return Search(tools, PermittedTools(tools, Rights()))


@pytest.fixture(scope="module")
def sqlite() -> sqlite3.Connection:
    """
    The same tools in FTS5, with BM25 and the stems of Porter, as well as we know how to.
    """
    made = sqlite3.connect(":memory:")
    made.execute(
        "CREATE VIRTUAL TABLE tools USING fts5(name, tags, category, description, parameters,"
        " explanations, tokenize = 'porter unicode61')"
    )
    for tool in TOOLS:
        properties = tool["parameters"]["properties"]
        told = " ".join(each["description"] for each in properties.values())
        row = (
            tool["name"].replace("_", " "),
            " ".join(tool.get("tags", ())),
            tool["category"],
            tool["description"],
            " ".join(properties).replace("_", " "),
            told,
        )
        made.execute("INSERT INTO tools VALUES (?, ?, ?, ?, ?, ?)", row)
    return made


def found(search: Search, query: str) -> list[str]:
    answer = asyncio.run(search.find(query, MOST, ANYBODY, lambda _: True))
    return [tool.name for tool, _ in answer.tools]


def found_by_sqlite(sqlite: sqlite3.Connection, query: str) -> list[str]:
    asked = [word for word in re.findall(r"\w+", query.lower()) if word not in words.STOP]
    match = " OR ".join(f'"{word}"*' for word in asked)
    ranked = "ORDER BY bm25(tools, 4, 3, 2, 1.5, 1, 0.5) LIMIT ?"
    rows: list[Any] = sqlite.execute(
        f"SELECT name FROM tools WHERE tools MATCH ? {ranked}", (match, MOST)
    ).fetchall()
    return [name.replace(" ", "_") for (name,) in rows]


def test_the_set_is_as_large_as_it_should_be() -> None:
    names = {tool["name"] for tool in TOOLS}

    assert len(names) >= 100
    assert len(QUERIES) >= 60
    assert {name for _, wanted in QUERIES for name in wanted} <= names


def test_nearly_everybody_finds_what_he_wants_among_five(search: Search) -> None:
    missed = [query for query, wanted in QUERIES if not {*found(search, query)} & {*wanted}]

    assert len(missed) <= 0.04 * len(QUERIES), missed


def test_most_find_it_first(search: Search) -> None:
    first = [query for query, wanted in QUERIES if (found(search, query))[0] in wanted]

    assert len(first) >= 0.8 * len(QUERIES)


def test_more_is_found_than_sqlite_finds(search: Search, sqlite: sqlite3.Connection) -> None:
    """
    We keep an index of our own because of what it tells to whom; it must not find less.
    """
    ours = sum(bool({*found(search, query)} & {*wanted}) for query, wanted in QUERIES)
    theirs = sum(bool({*found_by_sqlite(sqlite, query)} & {*wanted}) for query, wanted in QUERIES)

    assert theirs > 0.8 * len(QUERIES), "it is a fair comparison"
    assert ours > theirs


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("wether", "get_current_weather"),
        ("calender", "list_calendar_events"),
        ("trasnlate", "translate_text"),
        ("invioce", "create_invoice"),
        ("sumarize", "summarize_document"),
        ("databse", "backup_database"),
        ("restaurnat", "find_restaurant"),
        ("vulnerabilites", "scan_vulnerabilities"),
        ("screnshot", "take_screenshot"),
        ("thermosat", "set_thermostat"),
        ("spredsheet", "read_spreadsheet"),
        ("presentaton", "create_presentation"),
    ],
)
def test_a_slip_of_the_finger_is_mended(search: Search, written: str, meant: str) -> None:
    answer = asyncio.run(search.find(written, MOST, ANYBODY, lambda _: True))

    assert meant in [tool.name for tool, _ in answer.tools]
    assert [written] == list(answer.taken)
