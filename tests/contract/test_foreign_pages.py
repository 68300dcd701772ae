"""
The pages about OpenAPI documents and MCP servers: what they show works as it stands there, but for
its places.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import foreign_servers
import mcp_server
import pytest
from foreign_servers import MODULES
from plain_calls import TOOLCELL
from published import GALAXY, PETSTORE
from running_server import Server, start_server
from toolcell_client import Client
from toolcell_server.battery.name_server import Names, serving_names
from toolcell_server.battery.sites import Page, Site, serving_site

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(300)  # npm installs, and Node.js starts, as they can
PAGES = Path(__file__).parents[2] / "docs/registry"
OPENAPI, MCP = (PAGES / f"{name}.md" for name in ("openapi", "mcp"))
PETS = "petstore.internal"


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", page.read_text(), re.DOTALL)


def placed(text: str, places: dict[str, str]) -> str:
    """
    An example with the places of this machine.
    """
    for written, real in places.items():
        text = text.replace(written, real)
    return text


def run_shell(text: str, server: Server, folder: Path) -> str:
    words = shlex.split(text)
    assert words[0] == "toolcell"
    environment = {**os.environ, "TOOLCELL_TARGET": server.target}
    done = subprocess.run(
        [*TOOLCELL, *words[1:]],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_python(text: str, server: Server) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(text.replace("127.0.0.1:50051", server.target), {})
    return said.getvalue()


class _Shop(Page):
    def do_GET(self) -> None:  # noqa: N802  # a name of http.server
        self.read()
        self.answer(b'{"sold": 3}', "application/json")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, str], Path]]:
    """
    The settings of the page about documents.
    """
    folder = tmp_path_factory.mktemp("shop")
    folder.chmod(0o755)
    shutil.copy(PETSTORE, folder / "petstore.json")
    shutil.copy(GALAXY, folder / "galaxy.yaml")
    (folder / "galaxy.key").write_text("a-secret-that-nobody-sees")
    zone: dict[str, tuple[str, ...]] = {PETS: ("127.0.0.1",)}
    with serving_names(Names(zone)) as resolver, serving_site(lambda: Site(_Shop)) as site:
        places = {
            "/etc/toolcell/": f"{folder}/",
            f"{PETS}:8080": f"{PETS}:{site.port}",
            '"petstore.json"': f'"{folder}/petstore.json"',
        }
        ours = (
            f'[policy]\nprivate_networks = ["127.0.0.1/32"]\n[egress]\nresolver = ["{resolver}"]\n'
        )
        settings = ours + "\n".join(placed(text, places) for text in blocks(OPENAPI, "toml"))
        with start_server(folder, settings) as server:
            yield server, places, folder


@pytest.fixture(scope="module")
def notes(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Server, dict[str, str], Path]]:
    """
    The settings of the page about servers.
    """
    foreign_servers.program("filesystem")
    folder = tmp_path_factory.mktemp("notes")
    folder.chmod(0o755)
    (folder / "notes").mkdir()
    (folder / "notes").chmod(0o777)
    shutil.copy(mcp_server.__file__, folder / "notes/server.py")
    places = {
        "/srv/notes": f"{folder}/notes",
        "/srv/mcp/node_modules": str(MODULES),
        "/usr/bin/python3": sys.executable,
        # A machine that is busy with other tests may take long to start Node.js.
        "memory_bytes = 3": "wall_seconds = 240, memory_bytes = 3",
    }
    [settings] = blocks(MCP, "toml")
    with start_server(folder, placed(settings, places)) as server:
        yield server, places, folder


def names(server: Server) -> set[str]:
    with Client(server.target) as client:
        return {tool.name for tool in client.list_tools() if tool.bundle == "registered"}


def test_the_settings_of_the_page_about_documents_serve_its_tools(shop: Any) -> None:
    found = names(shop[0])

    assert {"petstore_getPetById", "galaxy_getMe"} <= found
    assert not {"petstore_deleteOrder", "petstore_updatePet", "petstore_uploadFile"} & found


def test_its_command_registers(shop: Any) -> None:
    server, places, folder = shop
    [command] = blocks(OPENAPI, "sh")

    said = run_shell(placed(command, places), server, folder)

    assert "shop_getPetById" in said
    assert "shop_getPetById" in names(server)


def test_its_program_registers_and_calls(shop: Any) -> None:
    server, places, _ = shop
    [program] = blocks(OPENAPI, "python")

    said = run_python(placed(program, places), server).splitlines()

    assert said[0] == "['late_getInventory']"
    assert "multipart/form-data" in said[1]
    assert said[2] == "{'sold': 3}"


def test_the_settings_of_the_page_about_servers_serve_its_tools(notes: Any) -> None:
    server, _, folder = notes
    found = names(server)

    assert {"notes_read_text_file", "notes_write_file"} <= found
    assert not {"notes_read_file", "notes_move_file"} & found
    with Client(server.target, timeout=270) as client:
        path = f"{folder}/notes/new"
        assert client.run("notes_write_file", {"path": path, "content": "x"}).label == "completed"
        assert client.run("notes_read_text_file", {"path": path}).value == {"content": "x"}


def test_its_command_and_its_program_register_and_call(notes: Any) -> None:
    server, places, folder = notes
    [command], [program] = blocks(MCP, "sh"), blocks(MCP, "python")

    assert "words_echo" in run_shell(placed(command, places), server, folder)
    assert run_python(placed(program, places), server) == "{'text': 'hello'}\n"
