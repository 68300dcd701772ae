"""
`toolcell token`, and the flags that say who calls.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from plain_calls import TOOLCELL

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "tc_secret-0123456789-0123456789-0123456789-abc"
SIGNED = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9." + "s" * 300


def toolcell(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TOOLCELL, *arguments], capture_output=True, text=True, timeout=40, check=False, **more
    )


def test_a_new_token_comes_with_its_hash_and_never_twice() -> None:
    """
    It needs no server, and is kept nowhere.
    """
    made = [json.loads(toolcell("token", "new").stdout) for _ in range(2)]

    assert made[0]["token"] != made[1]["token"]
    assert all(re.fullmatch(r"tc_[\w-]{43}", each["token"]) for each in made)
    digest = hashlib.sha256(made[0]["token"].encode()).hexdigest()
    assert digest == made[0]["sha256"]
    hashed = toolcell("token", "hash", input=made[0]["token"] + "\n")
    assert {"sha256": digest} == json.loads(hashed.stdout)


def test_a_new_token_goes_into_a_new_file_of_ones_own_and_is_not_shown(tmp_path: Path) -> None:
    """
    As --token-file takes it; a file that is there stays as it is.
    """
    file = tmp_path / "alice"
    done = toolcell("token", "new", "--file", str(file))
    digest = hashlib.sha256(file.read_text().strip().encode()).hexdigest()
    again = toolcell("token", "new", "--file", str(file))

    assert {"file": str(file), "sha256": digest} == json.loads(done.stdout)
    assert 0o600 == file.stat().st_mode & 0o777
    assert (2, "") == (again.returncode, again.stdout)
    assert f"{file} cannot be made: File exists; name one that is not there" in again.stderr
    assert digest == hashlib.sha256(file.read_text().strip().encode()).hexdigest()


@pytest.mark.parametrize("text", ["password1", "", "two words of many letters", "x" * 9000])
def test_what_is_no_good_token_is_not_hashed(text: str) -> None:
    """
    What can be guessed is no token; what was typed is not repeated.
    """
    done = toolcell("token", "hash", input=text)

    assert (2, "") == (done.returncode, done.stdout)
    assert not text or text not in done.stderr


def test_no_flag_takes_a_token() -> None:
    """
    The arguments of a process are everybody's to read.
    """
    for secret in (SECRET, SIGNED):
        for flags in (("--token", secret), (f"--token={secret}",), ("--token-file", secret)):
            done = toolcell("ps", *flags)

            assert done.returncode == 2
            assert secret not in done.stderr
            assert "a file" in done.stderr
    assert "--token " not in toolcell("ps", "--help").stdout


def test_flags_that_cannot_be_used_are_a_matter_of_usage(tmp_path: Path) -> None:
    """
    Exit code 2, one line, no traceback, no token.
    """
    (tmp_path / "token").write_text("tc_secret-0123456789-0123456789")
    file = str(tmp_path / "token")
    for flags, says in (
        (["--target", "example.com:1", "--token-file", file], "plain text"),
        (["--token-file", "/none"], "cannot be read"),
        (["--ca", file], "no PEM"),
        (["--certificate", file], "go together"),
    ):
        done = toolcell("ps", *flags)
        assert (2, 1) == (done.returncode, done.stderr.count("\n"))
        assert says in done.stderr
        assert "tc_secret" not in done.stderr


def test_what_is_printed_for_people_can_be_pasted(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    On a terminal: the token, and the table for the settings.
    """
    from toolcell_client.cli import token

    printed: list[str] = []
    monkeypatch.setattr(token, "for_people", lambda _: True)
    monkeypatch.setattr(sys.stdout, "write", printed.append)
    token.make(type("Options", (), {"name": "alice", "file": ""}))
    secret, _, rest = "".join(printed).partition("\n")
    table = tomllib.loads(rest[rest.index("[[") :])["auth"]["tokens"][0]

    digest = hashlib.sha256(secret.encode()).hexdigest()
    assert {"name": "alice", "sha256": digest} == table
