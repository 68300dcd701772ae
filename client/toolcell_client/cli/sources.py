"""
`toolcell tools reload`: loads bundles again, while the server runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.cli.exits import Exit
from toolcell_client.cli.listing import for_people, print_json, print_table
from toolcell_client.plain import to_plain

if TYPE_CHECKING:
    import argparse

    from toolcell_client.client import Client

HEADINGS = ("BUNDLE", "RELOADED", "AS BEFORE", "REASON")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the subcommands and their flags.
    """
    reloading = commands.add_parser("reload", parents=[common], help="load bundles again")
    reloading.set_defaults(run=run_reload)
    reloading.add_argument("bundle", nargs="?", default="", help="only this one")


def run_reload(client: Client, options: Any) -> Exit:
    """
    Exits as a tool that failed if a bundle, or one of its tools, is served as before.

    Raises:
        ToolcellError: the server refuses or does not answer.
    """
    bundles = client.registry.reload(options.bundle)
    if for_people(options):
        rows = [
            (b.bundle, "yes" if b.reloaded else "no", ", ".join(b.outdated_tools), b.reason)
            for b in bundles
        ]
        print_table(HEADINGS, rows)
    else:
        print_json([to_plain(bundle) for bundle in bundles])
    whole = all(bundle.reloaded and not bundle.outdated_tools for bundle in bundles)
    return Exit.OK if whole else Exit.TOOL_FAILED
