"""
The model of rules, and the program that serves it.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import httpx
import pytest
from toolcell_client.testing.providers import (
    Answered,
    ProviderServer,
    Said,
    SeenTool,
    View,
    demo_model,
)
from toolcell_client.testing.providers.__main__ import main

NAMES = ("calculate", "current_time", "read_file", "write_file", "list_files", "http_request")
TOOLS = tuple(SeenTool(each) for each in NAMES)


def view(text: str, *answers: Answered, tools: tuple[SeenTool, ...] = TOOLS) -> View:
    return View(provider="openai", model="m", tools=tools, entries=(Said("user", text), *answers))


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("Please calculate 6*7", [("calculate", {"expression": "6*7"})]),
        ("what is 2^10?", [("calculate", {"expression": "2**10"})]),
        (
            "calculate 6*7 and read notes.txt",
            [("calculate", {"expression": "6*7"}), ("read_file", {"path": "notes.txt"})],
        ),
        ("What time is it in Europe/Oslo", [("current_time", {"timezone": "Europe/Oslo"})]),
        ("list files", [("list_files", {"path": "."})]),
        ('write "hi you" to a.txt', [("write_file", {"path": "a.txt", "content": "hi you"})]),
        ("fetch https://example.com/a", [("http_request", {"url": "https://example.com/a"})]),
        ('call read_file {"path": "a and b"}', [("read_file", {"path": "a and b"})]),
        ("tell me a joke", []),
        ("calculate nothing", []),
        ("query a.db select 1", []),
        ('read_file {"path"', []),
    ],
)
def test_wishes(text: str, calls: list[Any]) -> None:
    turn = demo_model(view(text))

    assert calls == list(getattr(turn, "calls", ()))


def test_what_comes_after_then_waits() -> None:
    text = "write hello to a.txt, then read a.txt"
    written = Answered("write_file", "{}")
    read = Answered("read_file", '{"text": "hello"}', failed=False)

    assert ["write_file"] == [name for name, _ in demo_model(view(text)).calls]
    assert ["read_file"] == [name for name, _ in demo_model(view(text, written)).calls]
    assert "read_file says: hello" in demo_model(view(text, written, read)).text


def test_a_failure_is_told() -> None:
    failed = Answered("calculate", "divides by zero", failed=True)

    assert "calculate failed: divides by zero" == demo_model(view("calculate 1/0", failed)).text


def test_a_strict_tool_gets_null_for_what_is_left_out() -> None:
    schema = {"type": "object", "required": ["path", "encoding"]}
    tools = (SeenTool("read_file", "", schema, strict=True),)

    assert (("read_file", {"path": "a", "encoding": None}),) == demo_model(
        view("read a", tools=tools)
    ).calls


def test_the_program_prints_where_it_serves() -> None:
    command = [sys.executable, "-m", "toolcell_client.testing.providers"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        lines = dict(program.stdout.readline().strip().split("=") for _ in range(4))
        answer = httpx.post(
            f"{lines['OPENAI_BASE_URL']}/chat/completions",
            headers={"authorization": "Bearer any"},
            json={"model": "demo", "messages": [{"role": "user", "content": "hello"}]},
        )
        program.terminate()

    assert "Tools that I have: none." in answer.json()["choices"][0]["message"]["content"]
    assert ["OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL"] == list(lines)[:3]


def test_the_program_says_when_a_port_is_taken(
    provider: ProviderServer, capsys: pytest.CaptureFixture[str]
) -> None:
    port = provider.url.rpartition(":")[2]

    assert 3 == main(["--port", port])
    assert f"cannot listen on 127.0.0.1:{port}: " in capsys.readouterr().err
