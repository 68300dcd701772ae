"""
`toolcell tools add-openapi` and `add-mcp`: what is asked of a server, and what is wrong before.
"""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
from toolcell.v1 import registry_pb2 as pb
from toolcell_client.cli.program import run
from toolcell_client.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """
    The definitions that would be registered, and how.
    """
    seen: list[Any] = []

    def register(_: Registry, definitions: Any, **how: Any) -> list[pb.RegisteredDefinition]:
        seen.append((definitions, how))
        left = pb.DefinitionFault(path="/mcp/tools/x", code="SKIPPED", message="not fit")
        return [pb.RegisteredDefinition(tools=[pb.Tool(name="t", version="1")], skipped=[left])]

    monkeypatch.setattr(Registry, "register", register)
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # that of the test's process
    return seen


def test_a_server_is_registered_with_all_that_its_flags_say(
    asked: list[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    flags = ["--path", "read:/srv", "--path", "write:{path}", "--domain", "a.test:443"]
    more = ["--env", "A=b=c", "--limit", "memory=3GiB", "--only", "look", "--replace"]
    code = run(["tools", "add-mcp", "notes", *flags, *more, "--", "/bin/server", "--flag"])

    [([definition], how)] = asked
    assert (code, how) == (0, {"scope": "", "replace": True, "all_or_nothing": False})
    assert definition == {
        "mcp": {
            "argv": ["/bin/server", "--flag"],
            "env": {"A": "b=c"},
            "tools": ["look"],
            "prefix": "notes_",
        },
        "paths": [{"path": "/srv", "access": "read"}, {"path": "{path}", "access": "write"}],
        "domains": ["a.test:443"],
        "limits": {"memory_bytes": 3 * 2**30},
    }
    said = capfd.readouterr()
    assert json.loads(said.out)[0]["name"] == "t"
    assert "left out: /mcp/tools/x: not fit" in said.err


def test_a_document_is_registered_with_all_that_its_flags_say(
    asked: list[Any], tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text("openapi: 3.1.0")
    flags = ["--base-url", "https://a.test", "--credential", "key", "--prefix", "a_"]
    code = run(["tools", "add-openapi", f"{tmp_path}/a.yaml", *flags, "--only", "b"])

    [([definition], _)] = asked
    assert code == 0
    assert definition == {
        "openapi": {
            "document": b"openapi: 3.1.0",
            "base_url": "https://a.test",
            "operations": ["b"],
            "prefix": "a_",
            "credential": "key",
        }
    }


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["add-openapi", "/nowhere"], "cannot read"),
        (["add-mcp", "a", "--path", "/srv", "--", "/b"], "write it as read:"),
        (["add-mcp", "a", "--path", "all:/srv", "--", "/b"], "write it as read:"),
        (["add-mcp", "a", "--env", "A", "--", "/b"], "NAME=VALUE"),
        (["add-mcp", "a", "--limit", "memori=1", "--", "/b"], "memory"),
    ],
)
def test_a_flag_is_refused_before_anybody_is_asked(
    asked: list[Any], capfd: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    assert run(["tools", *flags]) == 2
    assert said in capfd.readouterr().err
    assert not asked
