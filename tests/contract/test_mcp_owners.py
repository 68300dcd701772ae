"""
MCP servers of principals: what runs to ask them gets no more than they may have.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from running_server import Server, start_server
from toolcell_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from toolcell.v1 import registry_pb2 as pb

SETTINGS = """
[policy]
roots = [{{path = "{open}", access = "write"}}]

[registry]
enabled = true

[[roles]]
name = "admin"
scopes = ["toolcell:tools"]
tools = ["*"]

[[roles]]
name = "guest"
scopes = ["toolcell:own_tools"]
tools = ["*"]

[[rates]]
name = "guests"
principal = "guest"
calls = ["3/hour"]
"""
TOKENS = {name: f"{name}-" + "0123456789abcdef" * 2 for name in ("admin", "guest")}


@pytest.fixture(scope="module")
def owned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    folder = tmp_path_factory.mktemp("owned")
    folder.chmod(0o755)
    (folder / "open").mkdir()
    (folder / "open").chmod(0o777)
    settings = SETTINGS.format(open=folder / "open")
    for name, token in TOKENS.items():
        digest = hashlib.sha256(token.encode()).hexdigest()
        settings += f'[[auth.tokens]]\nname = "{name}"\nsha256 = "{digest}"\nroles = ["{name}"]\n'
    with start_server(folder, settings) as server:
        yield server, folder / "open"


class TestOwners:
    def register(self, server: Server, name: str, open_: Path | None) -> pb.RegisteredDefinition:
        """
        Register what is no server, but shows that it ran where it may.
        """
        script = f"echo {name} >> {open_}/ran"
        paths = [{"path": str(open_), "access": "write"}] if open_ else []
        definition = {"mcp": {"argv": ["/bin/sh", "-c", script]}, "paths": paths}
        with Client(server.target, token=TOKENS[name]) as client:
            [answer] = client.registry.register([definition], all_or_nothing=False)
            return answer

    def test_who_may_have_no_grants_runs_nothing_with_them_either(
        self, owned: tuple[Server, Path]
    ) -> None:
        """
        To ask a server what it offers is to run it.
        """
        server, folder = owned
        refused = self.register(server, "guest", folder)
        asked = self.register(server, "admin", folder)

        assert refused.faults[0].path == "/manifest/paths"
        assert asked.faults[0].path == "/mcp"
        assert (folder / "ran").read_text() == "admin\n"

    def test_asking_counts_as_a_call(self, owned: tuple[Server, Path]) -> None:
        server, _ = owned
        answers = [self.register(server, "guest", None).faults[0].code for _ in range(4)]

        assert answers == ["INVALID_FIELD"] * 3 + ["QUOTA_EXCEEDED"]
