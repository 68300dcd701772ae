"""
The section `[audit]`: what is read, what is refused, and that the key is in no text.
"""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from auditing_logs import keys
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import settings
from toolcell_server.grant_compiler import compile_grant
from toolcell_server.refusals import PathNotAllowed
from toolcell_server.settings import SettingsError
from toolcell_server.settings.audit import AuditSettings
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_server.grants import Grant


def complaint(**section: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        AuditSettings.build(section)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_where_there_is_a_place_there_is_a_log_that_fails_closed(tmp_path: Path) -> None:
    """
    A folder for the server's state is a place.
    """
    found = AuditSettings.build({})

    assert (found.on_failure, found.on_broken, found.content) == ("refuse", "refuse", False)
    assert found.place("") == ""
    assert found.place(str(tmp_path)) == str(tmp_path / "audit")
    assert AuditSettings.build({"folder": str(tmp_path / "x")}).place("") == str(tmp_path / "x")
    assert AuditSettings.build({"enabled": False}).place(str(tmp_path)) == ""


@pytest.mark.parametrize("place", ["env", "file"])
def test_the_key_is_read_from_where_it_lies_and_shown_to_nobody(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = keys(tmp_path)
    pem = (tmp_path / "key.pem").read_text()
    monkeypatch.setenv("AUDIT_KEY", pem)
    where = {"env": "AUDIT_KEY", "file": str(tmp_path / "key.pem")}[place]

    found = AuditSettings.build({"key": {place: where}})

    assert found.key is not None
    assert found.key.public.id == signer.public.id
    assert pem.splitlines()[1] not in repr(found)
    for leak in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(found.key)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"on_failure": "ignore"}, "audit.on_failure"),
        ({"on_broken": "x"}, "audit.on_broken"),
        ({"fsync": "often"}, "always, interval, never"),
        ({"enabled": 1}, "audit.enabled"),
        ({"content": "yes"}, "audit.content"),
        ({"checkpoint_records": 0}, "audit.checkpoint_records"),
        ({"rotate_bytes": 1}, "audit.rotate_bytes"),
        ({"fsync_seconds": -1}, "audit.fsync_seconds"),
        ({"keep_days": float("nan")}, "audit.keep_days"),
        ({"folder": "relative"}, "begin it with /"),
        ({"folder": "/no/such/place"}, "does not exist"),
        ({"folder": 7}, "audit.folder"),
        ({"checkpoint_file": "/tmp"}, "is a directory"),
        ({"key": "secret-secret"}, 'key = {file = "'),
        ({"key": {"file": "/no/such/key"}}, "audit.key.file"),
        ({"key": {"env": "NO_SUCH_VARIABLE_HERE"}}, "is not set"),
        ({"key": {"file": "/dev/null"}}, "toolcell audit keygen"),
        ({"key": {"path": "x"}}, "audit.key.path"),
        ({"key": {"file": "x", "env": "y"}}, "names no key"),
    ],
)
def test_what_cannot_be_used_is_named_with_the_remedy(section: dict[str, Any], said: str) -> None:
    message = complaint(**section)

    assert said in message
    assert "secret-secret" not in message


@pytest.mark.parametrize("text", ["keep_days = 3.0", "enabled = true"])
def test_who_says_how_a_log_is_kept_has_one_or_hears_that_there_is_none(
    text: str, tmp_path: Path
) -> None:
    """
    A log that is switched on in words, and is nowhere, would be missed when it is needed.
    """
    file = tmp_path / "settings.toml"
    file.write_text(f"[audit]\n{text}\n")
    with pytest.raises(SettingsError, match=r"audit: .* no place; set state_dir or audit.folder"):
        settings.read(str(file))

    file.write_text(f'state_dir = "{tmp_path}"\n[audit]\n{text}\n')
    assert settings.read(str(file)).audit.place(str(tmp_path))
    file.write_text("[audit]\nenabled = false\n")
    assert not settings.read(str(file)).audit.enabled


def test_a_file_and_the_environment_set_it(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f'[audit]\nfolder = "{tmp_path}/a"\nrotate_bytes = 1000000\n')

    found = settings.read(
        str(file),
        {"TOOLCELL_AUDIT__ON_FAILURE": "continue", "TOOLCELL_AUDIT__CHECKPOINT_SECONDS": "5"},
    ).audit

    assert (found.folder, found.rotate_bytes) == (f"{tmp_path}/a", 1_000_000)
    assert (found.on_failure, found.checkpoint_seconds) == ("continue", 5)


def test_no_tool_is_granted_what_proves_or_what_is_proved(tmp_path: Path) -> None:
    """
    Whatever roots the operator opens: the log, its key, the copy of the checkpoint, the state.
    """
    keys(tmp_path)
    (tmp_path / "state").mkdir()
    file = tmp_path / "settings.toml"
    file.write_text(
        f"""
        state_dir = "{tmp_path}/state"
        [policy]
        roots = [{{path = "{tmp_path}", access = "write"}}]
        [audit]
        folder = "{tmp_path}/log"
        key = {{file = "{tmp_path}/key.pem"}}
        checkpoint_file = "{tmp_path}/copy"
        """
    )
    policy = settings.read(str(file)).policy
    tool = Tool(
        name="t",
        bundle="b",
        parameters={"properties": {"path": {"type": "string"}}},
        paths=({"path": "{path}", "access": "read"},),
    )

    def grant(path: str) -> Grant:
        named = {"path": f"{tmp_path}/{path}"}
        return compile_grant(tool, policy, named, pb.Grants(), tool.limits)

    assert grant("other.txt").paths[0].path == f"{tmp_path}/other.txt"
    for path in ("log/audit-00000001.jsonl", "key.pem", "copy", "state/toolcell.sqlite3", "log"):
        with pytest.raises(PathNotAllowed):
            grant(path)
