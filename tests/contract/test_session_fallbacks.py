"""
A session that ends while another tool runs in place of the one that was called in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessioning import calling, start_with_sessions

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = """
import time

from toolcell_worker import ToolError, tool


@tool(effects="read_only", fallback="steady")
def flaky() -> str:
    'Fails.'
    raise ToolError("not now", category="temporary", retryable=True)


@tool(effects="read_only")
def steady() -> str:
    'Takes its time.'
    time.sleep(20)
    return "outlived its session"
"""


def test_what_stands_in_ends_with_the_session(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "tools.py").write_text(TOOLS)
    more = f'[[bundles]]\nname = "own"\npath = "{bundle}"\n'
    with (
        start_with_sessions(tmp_path, more=more) as server,
        calling(server) as client,
        client.session() as session,
        session.execute("flaky") as stream,
    ):
        assert any(event.HasField("fell_back") for event in stream)
        assert any(event.HasField("started") for event in stream)
        client.sessions.delete(session.session_id)
        outcome = stream.result().outcome

    assert outcome.HasField("cancelled"), outcome
