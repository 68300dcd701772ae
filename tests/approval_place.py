"""
A whole server whose tools need approvals, and clients of several principals.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from approving import metadata
from running_server import LOCAL, Server, start
from toolcell_client import ApprovalRequired, Client
from toolcell_server.approvals.pins import PinHash

PROGRAM = Path(__file__).parent / "principal_server.py"
TOOLS = '''
from toolcell_worker import stages, tool
import pathlib

@tool(approval="approve", effects="destructive", paths=[{"path": "{path}", "access": "write"}])
def wipe(path: str) -> str:
    """Wipes a file."""
    pathlib.Path(path).write_text("wiped")
    return "wiped"

@tool(approval="approve", paths=[stages("{path}")], preview=True)
def dice(path: str) -> None:
    """Writes what nobody can foresee."""
    import os
    pathlib.Path(path).write_bytes(os.urandom(8))

@tool(approval="confirm")
def mail(to: str) -> str:
    """Sends a mail."""
    return f"sent to {to}"

@tool(approval=True)
def stay() -> None:
    """Stays."""
    import time
    print("here", flush=True)
    time.sleep(60)
'''


class Place:
    """
    A server with a database, and clients of several principals.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("tools", "state", "files"):
            (folder / name).mkdir()
        (folder / "tools" / "mine.py").write_text(TOOLS)
        self.file = folder / "files" / "a.txt"
        self.file.write_text("precious")
        self.server = self.started()

    def started(self) -> Server:
        pin = PinHash.of("2468").text()
        settings = self.folder / "settings.toml"
        settings.write_text(
            f'state_dir = "{self.folder}/state"\n[server]\n{LOCAL}'
            f'[[bundles]]\nname = "mine"\npath = "{self.folder}/tools"\n'
            f'[policy]\nroots = [{{path = "{self.folder}/files", access = "write"}}]\n'
            f'[[approval.tools]]\ntool = "write_file"\nkind = "approve"\n'
            '[[approval.tools]]\ntool = "wirte_file"\nkind = "approve"\n'
            f'[[approval.pins]]\nprincipal = "pat"\nhash = "{pin}"\n'
        )
        program = [sys.executable, str(PROGRAM), "--settings", str(settings)]
        return start(program, self.folder / "log")

    def client(self, who: str) -> Client:
        return Client(self.server.target, metadata=metadata(who))


def required(client: Client, tool: str, arguments: Any = None) -> ApprovalRequired:
    with pytest.raises(ApprovalRequired) as caught:
        client.run(tool, arguments)
    return caught.value
