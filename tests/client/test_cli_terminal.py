"""
The command line on a real terminal (a pty): what a person sees.
"""

from __future__ import annotations

import math
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_client.cli.neutral import neutral, neutral_line
from toolcell_client.testing import completed, failed, progress, stderr, stdout

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer

OURS = re.compile(r"\x1b\[(?:K|[0-9]+m)")  # erase the line, colours


def on_terminal(server: FakeServer, *words: str, **environment: str) -> str:
    """
    All that the command writes to its terminal, stdout and stderr together.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    keeper, terminal = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "toolcell_client.cli", *words, "--target", server.target],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**inherited, "COLUMNS": "80", **environment},
    )
    os.close(terminal)
    seen = b""
    try:
        while data := os.read(keeper, 4096):
            seen += data
    except OSError:  # how Linux reports that the other side is closed
        pass
    os.close(keeper)
    running.wait(20)
    return seen.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    "attack",
    [
        b"\x1b]0;owned\x07",
        b"\x1b[2J",
        b"real\roverwritten",
        "\u009b2J".encode(),
        "\u202egpj.exe".encode(),
        b"\x08\x08\x7f",
    ],
    ids=["window title", "clear screen", "overwrite", "C1 escape", "reversed text", "backspace"],
)
@pytest.mark.parametrize(
    "place", ["output", "log", "message", "progress", "result", "hint", "warning"]
)
def test_nothing_a_tool_says_reaches_the_terminal_as_a_command(
    server: FakeServer, attack: bytes, place: str
) -> None:
    """
    Tools and models are hostile; a terminal obeys what it is shown.
    """
    text = attack.decode()
    warned = completed()
    warned.warnings.add(reason="TOOL_DEPRECATED", message=text)
    script: tuple[Any, ...] = {
        "output": (stderr(attack), completed()),
        "log": (pb.Log(level=pb.LOG_LEVEL_INFO, message=text), completed()),
        "message": (failed(text),),
        "progress": (progress(0.5, text), completed()),
        "result": (completed({text: text}),),
        "hint": (failed("x", hint=text),),
        "warning": (warned,),
    }[place]
    server.tool("evil", *script)

    seen = on_terminal(server, "call", "evil", NO_COLOR="1")

    left = OURS.sub("", seen).replace("\r", "", seen.count("\r\x1b[K"))
    assert [character for character in left if not character.isprintable()] == ["\n"] * left.count(
        "\n"
    )


def test_a_terminal_shows_output_progress_and_a_readable_result(server: FakeServer) -> None:
    """
    The bar is there while the tool works and gone when it has ended.
    """
    server.tool("work", stdout(b"begun\n"), progress(0.5, "halfway"), completed({"n": [1]}))

    seen = on_terminal(server, "call", "work")

    assert "begun\n" in seen
    assert "[############            ]  50% halfway" in seen
    assert seen.endswith('\r\x1b[K{\n  "n": [\n    1\n  ]\n}\n')


@pytest.mark.parametrize(
    ("fraction", "bar"),
    [
        (-1.0, "[                        ]   0%"),
        (7.0, "[########################] 100%"),
        (math.inf, "[########################] 100%"),
        (math.nan, "[························]     "),
    ],
)
def test_a_bar_survives_what_a_tool_says(server: FakeServer, fraction: float, bar: str) -> None:
    """
    A tool's arithmetic may be wrong; the command line's may not.
    """
    server.tool("work", progress(fraction), completed())

    assert bar in on_terminal(server, "call", "work")


def test_output_that_arrives_in_pieces_is_decoded_whole(server: FakeServer) -> None:
    """
    A character may be cut between two events.
    """
    euro = "€".encode()
    server.tool("work", stdout(euro[:1]), stdout(euro[1:]), completed())

    assert on_terminal(server, "call", "work").startswith("€")


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_those_who_want_it(
    server: FakeServer, environment: dict[str, str], *, coloured: bool
) -> None:
    """
    See no-color.org.
    """
    server.tool("bad", failed("oh"))

    seen = on_terminal(server, "call", "bad", **environment)

    assert "failed: RuntimeError: oh" in seen
    assert ("\x1b[31m" in seen) is coloured


def test_a_terminal_gets_tables(server: FakeServer) -> None:
    """
    Columns line up, and nothing is wider than the terminal.
    """
    server.tool("short", completed(), description="Does it.\nIn detail.")
    server.tool("a_longer_name", completed(), description="word " * 40)

    lines = on_terminal(server, "tools", "list").splitlines()

    assert lines[0].startswith("NAME           VERSION  STATE      EFFECTS")
    assert lines[1].startswith("a_longer_name  1        available")
    assert lines[2].split()[-2:] == ["Does", "it."]
    assert max(map(len, lines)) <= 80


def test_a_terminal_gets_json_when_it_is_asked_for(server: FakeServer) -> None:
    """
    `--json` beats the terminal.
    """
    server.tool("short", completed())

    assert on_terminal(server, "tools", "list", "--json").startswith('[{"name": "short"')


def test_a_tool_is_described_in_words(server: FakeServer) -> None:
    """
    What it takes, what it may do.
    """
    schema = {
        "type": "object",
        "properties": {"path": {"type": "string", "description": "File to read."}},
        "required": ["path"],
    }
    paths = [pb.PathGrant(path="{path}", access=pb.PATH_ACCESS_READ)]
    server.tool("read_file", completed(), parameters=schema, paths=paths, description="Reads.")

    seen = on_terminal(server, "tools", "describe", "read_file")

    assert "  path (string, required)  File to read.\n" in seen
    assert "  read {path}\n" in seen


def test_text_is_made_harmless_without_losing_letters() -> None:
    """
    Only what a terminal obeys is spelled out.
    """
    assert neutral("ä\t€\n\x1b[1m\r\n") == "ä\t€\n\\u001b[1m\n"
    assert neutral_line("a\nb\tc") == "a\\nb c"
