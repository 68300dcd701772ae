"""
`toolcell tools search`: which tools suit some words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell.v1 import registry_pb2

from toolcell_client.cli.exits import Exit
from toolcell_client.cli.listing import for_people, print_json, print_table
from toolcell_client.cli.screen import Screen
from toolcell_client.plain import short_name, to_plain

if TYPE_CHECKING:
    import argparse

    from toolcell_client.client import Client

HEADINGS = ("NAME", "VERSION", "SCORE", "EFFECTS", "DESCRIPTION")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the command and its flags.
    """
    parser = commands.add_parser(
        "search", parents=[common], help="find tools by your own words, the best first"
    )
    parser.set_defaults(run=run)
    parser.add_argument("words", nargs="+", metavar="WORD", help="what you want to do")
    parser.add_argument("--most", type=int, default=0, metavar="COUNT", help="default: 5")
    parser.add_argument("--category", default="", help="only of this category")
    parser.add_argument("--tag", action="append", default=[], help="only with this tag")


def run(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
    """
    query = " ".join(options.words)
    found = client.search_tools(
        query, max_results=options.most, category=options.category, tags=options.tag
    )
    if for_people(options):
        for word in found.taken_words:
            Screen.of_stderr().line(f"{word.word}: taken for {', '.join(word.taken_for)}")
        print_table(HEADINGS, [_row(each) for each in found.tools])
    else:
        print_json([{"score": each.score, **to_plain(each.tool)} for each in found.tools])
    return Exit.OK


def _row(found: registry_pb2.FoundTool) -> tuple[str, ...]:
    tool = found.tool
    text = tool.title or tool.description
    return (
        tool.name,
        tool.version,
        f"{found.score:.2f}",
        short_name(registry_pb2.Effects, tool.effects),
        text.partition("\n")[0],
    )
