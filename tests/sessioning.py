"""
A server with sessions and callers who have tokens, for tests.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from running_server import Server, start_server
from toolcell_client import Client

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("alice", "mallory")
TOKENS = {name: f"{name}-" + "0123456789abcdef" * 2 for name in NAMES}
_TOKEN = '[[auth.tokens]]\nname = "{name}"\nsha256 = "{digest}"\nscopes = {scopes}\n'


def people(*scopes: str) -> str:
    """
    The settings in which alice and mallory have tokens, with these scopes and those of any tool.
    """
    given = json.dumps(["tools:*", *scopes])
    return "".join(
        _TOKEN.format(name=name, digest=hashlib.sha256(token.encode()).hexdigest(), scopes=given)
        for name, token in TOKENS.items()
    )


def start_with_sessions(
    folder: Path,
    *,
    sessions: str = "",
    more: str = "",
    free: str = "minimum_free_bytes = 0",
    state: bool = True,
    enabled: bool = True,
) -> Server:
    """
    `sessions` are further lines of that section, `more` further sections; `state`: in a state_dir.
    """
    place = folder / "state"
    place.mkdir(mode=0o700, exist_ok=True)
    section = f"[sessions]\nenabled = {str(enabled).lower()}\n{free}\n{sessions}\n"
    flags = ("--set", f"state_dir={place}") if state else ()
    shell = "[builtin]\nrun_shell = true\n"
    return start_server(folder, section + shell + more, flags=flags)


def calling(server: Server, name: str = "") -> Client:
    return Client(server.target, token=TOKENS[name] if name else "")


def python(session: Any, code: str, **options: Any) -> str:
    """
    What the code prints, and its traceback.
    """
    result = session.run("run_python", {"code": code}, **options)
    assert result.ok, result
    return str(result.value["stdout"]) + str(result.value["stderr"])


def workspaces(folder: Path) -> list[Path]:
    """
    The folders of all sessions, as they lie on the host.
    """
    return sorted((folder / "state/sessions").iterdir())


def workspace(folder: Path) -> Path:
    """
    The workspace of the only session.
    """
    (found,) = workspaces(folder)
    return found / "files"
