"""
`toolcell tools stats`: what is known of tools from the calls that they had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.cli.exits import Exit
from toolcell_client.cli.listing import for_people, print_json, print_table
from toolcell_client.plain import to_plain

if TYPE_CHECKING:
    import argparse

    from google.protobuf.duration_pb2 import Duration
    from toolcell.v1 import statistics_pb2

    from toolcell_client.client import Client

HEADINGS = ("NAME", "VERSION", "CALLS", "ERRORS", "P50", "P99", "LAST CALLED", "LAST ERROR")


def add(inner: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the subcommand and its flags.
    """
    parser = inner.add_parser("stats", parents=[common], help="how tools have done")
    parser.set_defaults(run=run)
    parser.add_argument("tool", metavar="NAME", nargs="?", default="", help="only this tool")
    parser.add_argument("--version", default="", help="only this version of it")


def run(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
    """
    found = list(client.tool_stats(options.tool, options.version))
    if for_people(options):
        print_table(HEADINGS, [_row(stats) for stats in found])
    else:
        print_json([to_plain(stats) for stats in found])
    return Exit.OK


def _row(stats: statistics_pb2.ToolStats) -> tuple[str, ...]:
    called = stats.last_called_time
    error = stats.last_error
    return (
        stats.tool,
        stats.version,
        str(stats.calls),
        f"{stats.error_rate:.1%}",
        _seconds(stats.latency.p50) if stats.HasField("latency") else "-",
        _seconds(stats.latency.p99) if stats.HasField("latency") else "-",
        called.ToJsonString() if stats.HasField("last_called_time") else "never",
        f"{error.type} {error.message}".strip() if stats.HasField("last_error") else "-",
    )


def _seconds(span: Duration) -> str:
    return f"{span.seconds + span.nanos / 1e9:.3g} s"
