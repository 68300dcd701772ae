"""
What operators, tools and callers may say about sessions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.duration_pb2 import Duration
from toolcell.v1 import session_pb2 as pb
from toolcell_server import manifest, settings
from toolcell_server.limits import Limits
from toolcell_server.principal import ANYBODY, Principal
from toolcell_server.refusals import InvalidField
from toolcell_server.sessions import paths, wished
from toolcell_server.sessions.tools import in_session
from toolcell_server.settings import SettingsError
from toolcell_server.settings.sessions import SessionsSettings
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from pathlib import Path

ALICE = Principal(name="alice")
MANIFEST = {
    "name": "work",
    "description": "Works.",
    "parameters": {"type": "object", "properties": {"stateful": {"type": "boolean"}}},
}


def tool(**declared: Any) -> Tool:
    limits = Limits()
    value = {**MANIFEST, **declared}
    return Tool.from_manifest(value, bundle="b", defaults=limits, ceilings=limits)


def test_a_tool_in_a_session_has_what_it_asks_for() -> None:
    assert () == in_session(tool()).paths
    assert "read" == in_session(tool(workspace="read")).paths[0]["access"]
    assert "write" == in_session(tool(workspace="write", effects="destructive")).paths[0]["access"]


def test_who_changes_nothing_but_the_workspace_changes_something_in_a_session() -> None:
    reads = {"effects": "read_only", "cache_ttl_seconds": 60, "retry": {"attempts": 3}}
    writes = in_session(tool(workspace="write", **reads))
    only_reads = in_session(tool(workspace="read", **reads))

    assert ("writes", 0, 1) == (writes.effects, writes.cache_ttl_seconds, writes.retry.attempts)
    assert ("read_only", 0) == (only_reads.effects, only_reads.cache_ttl_seconds)
    assert 0 == in_session(tool(**reads)).cache_ttl_seconds
    assert 60 == tool(workspace="write", **reads).cache_ttl_seconds


FAULTS: dict[str, dict[str, Any]] = {
    "another access": {"workspace": "staged"},
    "a preview that writes": {"workspace": "write", "preview": True},
    "a state and paths": {"stateful": True, "paths": [{"path": "/a", "access": "read"}]},
    "a state and a network": {"stateful": True, "domains": ["a.example:443"]},
    "a state and programs": {"stateful": True, "profile": "subprocess"},
    "a state that nobody can ask for": {"stateful": True, "parameters": {"type": "object"}},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_tool_that_asks_for_what_cannot_be_is_broken(fault: str) -> None:
    with pytest.raises(ValueError, match=r"workspace|stateful"):
        manifest.parse({**MANIFEST, **FAULTS[fault]})


SETTINGS = {
    "no switch": ("enabled = 1", "sessions.enabled"),
    "an unknown key": ("enable = true", "sessions.enable"),
    "no time": ("idle_seconds = 0", "sessions.idle_seconds"),
    "a default above its ceiling": ("bytes = 2_000_000_000", "sessions.bytes"),
    "no files": ("files = 0", "sessions.files"),
    "nobody": ("per_principal = 0", "sessions.per_principal"),
    "no interpreters": ("interpreters = 0", "sessions.interpreters"),
}


@pytest.mark.parametrize("fault", SETTINGS)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, fault: str) -> None:
    line, key = SETTINGS[fault]
    (tmp_path / "s.toml").write_text(f"[sessions]\n{line}\n")
    with pytest.raises(SettingsError) as refused:
        settings.read(str(tmp_path / "s.toml"), {})

    assert key in str(refused.value)


def test_a_lower_ceiling_lowers_the_default_that_was_not_given(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("[sessions]\nmaximum_bytes = 100_000\n")

    assert 100_000 == settings.read(str(tmp_path / "s.toml"), {}).sessions.bytes
    assert not settings.read("", {}).sessions.enabled


def test_no_root_may_lie_where_workspaces_are_found() -> None:
    section = {"roots": [{"path": "/workspace/mine"}]}
    policy = settings.Settings().policy.from_settings(section)
    with pytest.raises(SettingsError, match=r"policy\.roots\[0\]"):
        SessionsSettings.build({"enabled": True}, policy)
    assert not SessionsSettings.build({}, policy).enabled


def test_what_is_not_asked_for_is_the_operators_default() -> None:
    given = SessionsSettings(enabled=True)
    found = wished.read(pb.CreateSessionRequest(), given, ANYBODY)

    assert (given.lifetime_seconds, given.idle_seconds) == (found.lifetime, found.idle)
    assert (given.bytes, given.files) == (found.quota_bytes, found.quota_files)


@pytest.mark.parametrize(
    "asked",
    [
        {"session_id": "a b"},
        {"session_id": "x" * 129},
        {"lifetime": Duration()},
        {"idle": Duration(seconds=10**9)},
        {"lifetime": Duration(seconds=-1)},
        {"quota_bytes": 2**50},
        {"quota_files": -1},
    ],
    ids=str,
)
def test_what_cannot_be_had_is_refused_by_name(asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidField) as refused:
        wished.read(pb.CreateSessionRequest(**asked), SessionsSettings(enabled=True), ALICE)

    assert next(iter(asked)) in refused.value.message


@pytest.mark.parametrize(
    "path", ["", "/", "/a", "a/", "a//b", "..", "a/../b", ".", "a\0", "x" * 256]
)
def test_a_path_that_may_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(InvalidField):
        paths.checked(path)


def test_a_path_is_relative_or_as_tools_write_it() -> None:
    assert "a/b" == paths.checked("a/b") == paths.checked("/workspace/a/b")
    assert "..a/b..c" == paths.checked("..a/b..c")
