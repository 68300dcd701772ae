"""
The README is the first thing that anybody runs: what it prints works, what it lists exists.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.protobuf import json_format
from running_server import Server, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.egress.templates import DomainTemplate
from toolcell_server.egress.verdicts import NOTHING_CAME, Reason
from toolcell_server.settings.building import SECTIONS
from toolcell_server.settings.egress import EgressSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DENIALS = (ROOT / "docs" / "denials.md").read_text()


ROW = re.compile(r"^\| `([a-z_.]+)` \|", re.MULTILINE)


def block(language: str, containing: str) -> str:
    """
    The one code block of a language that contains a text.
    """
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    [found] = [each for each in blocks if containing in each]
    return str(found)


@pytest.fixture(scope="module")
def readmes_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """
    The server that somebody has who followed the README so far.
    """
    folder = tmp_path_factory.mktemp("readme")
    (folder / "tools").mkdir()
    (folder / "tools/greeting.py").write_text(block("python", "def greet"))
    settings = block("toml", "[[bundles]]").replace("/srv/tools", f"{folder}/tools")
    with start_server(folder, settings) as server:
        yield server


def test_the_first_tool_can_be_called_from_python_as_shown(readmes_server: Server) -> None:
    """
    Ten lines are promised, and they must be all that it takes.
    """
    program = block("python", "client.execute(").replace("127.0.0.1:50051", readmes_server.target)
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )

    first, second, *between, last, result = answer.stdout.splitlines()
    assert ["accepted", "started", "finished"] == [first, second, last]
    assert {"progress", "output"} == set(between)  # two channels: either may be read first
    assert result == "completed Hello, Ada!"


def test_the_first_tool_can_be_called_from_the_shell_as_shown(readmes_server: Server) -> None:
    """
    The command line is how most people meet it.
    """
    [arguments] = re.findall(r"toolcell call (.*)", block("sh", "toolcell call"))
    program = [sys.executable, "-m", "toolcell_client.cli", "call", *arguments.split()]
    answer = subprocess.run(
        [*program, "--target", readmes_server.target],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert ('"Hello, Ada!"\n', True) == (answer.stdout, "printed output" in answer.stderr)


def test_the_request_for_grpcurl_is_one() -> None:
    """
    Grpcurl reads a request as protobuf's JSON form; it is not installed where tests run.
    """
    [body] = re.findall(r"-d '(.*)'", block("sh", "grpcurl"))
    request = json_format.Parse(body, pb.ExecuteRequest())

    assert ("greet", {"name": "Ada"}) == (request.tool, json.loads(request.arguments_json))


def test_the_domains_that_are_shown_are_understood() -> None:
    """
    A form that is copied and refused is worse than none.
    """
    shown = ast.parse(block("python", "domains=[") + "def f(): ...")
    entries = [
        entry
        for call in ast.walk(shown)
        if isinstance(call, ast.keyword) and call.arg == "domains"
        for entry in ast.literal_eval(call.value)
    ]

    assert len(entries) == len([DomainTemplate.parse(entry) for entry in entries]) == 6


def test_the_credential_that_is_shown_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Its secret lies in the environment, as shown.
    """
    section = tomllib.loads(block("toml", "[egress]"))["egress"]
    monkeypatch.setenv(section["credentials"][0]["env"], "s3cret")
    found = EgressSettings.build(section)

    assert ("weather", ("api.example.com",)) == (
        found.credentials[0].name,
        found.credentials[0].hosts,
    )


def shown(block: str) -> Iterator[tuple[str, str]]:
    """
    The settings that an example of a page has, by section.
    """
    for section, values in tomllib.loads(block).items():
        yield from ((section, name) for name in values) if isinstance(values, dict) else ()


def test_the_table_of_settings_is_complete() -> None:
    """
    A setting that is not listed is not found; one that is listed and gone is an error at start.
    """
    pages = [path.read_text() for path in sorted((ROOT / "docs").glob("*/*.md"))]
    here, elsewhere = set(ROW.findall(README)), set(ROW.findall("\n".join(pages)))
    for block in re.findall(r"```toml\n(.*?)```", "\n".join(pages), re.DOTALL):
        elsewhere |= {f"{section}.{name}" for section, name in shown(block)}
    known = {
        f"{section}.{name}".lstrip(".")
        for section, names in SECTIONS.items()
        for name in names
        if section != "limits.ceilings"
    }

    assert set() == here - known
    assert set() == known - here - elsewhere


def test_every_link_leads_somewhere() -> None:
    """
    Links rot when files move.
    """
    links = re.findall(r"\]\(([^)#:]+)\)", README)

    assert links
    assert [] == [link for link in links if not (ROOT / link).exists()]


def test_every_reason_of_the_egress_is_explained() -> None:
    """
    Whoever reads one in a log has no other place to look; one that is gone explains nothing.
    """
    allowed = {
        Reason.HOST_GRANTED,
        Reason.HELLO_GRANTED,
        Reason.HOST_MATCHES,
        Reason.REQUEST_GRANTED,
        Reason.ADDRESSES_PUBLIC,
        Reason.ADDRESSES_NAMED,
    }
    rows = re.findall(r"^\| (`[^|]+) \|", DENIALS, re.MULTILINE)
    explained = set(re.findall(r"`([a-z_]+)`", " ".join(rows)))

    nothing_came = {*NOTHING_CAME}
    assert explained - {"egress_died"} == {*Reason} - allowed - nothing_came
    assert all(f"`{reason}`" in DENIALS for reason in nothing_came)
