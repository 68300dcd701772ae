"""
The settings of tools that come from documents and from MCP servers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from published import PETSTORE
from toolcell_server import settings
from toolcell_server.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_server.settings import Settings

DOCUMENT = f'[[registry.openapi]]\nname = "pets"\nfile = "{PETSTORE}"\n'
SERVER = '[[registry.mcp]]\nname = "notes"\ncommand = "/usr/bin/server"\n'


def read(folder: Path, text: str, *, enabled: bool = True) -> Settings:
    path = folder / "toolcell.toml"
    path.write_text(f"[registry]\nenabled = {str(enabled).lower()}\n{text}")
    return settings.read(str(path), {})


def test_every_key_reaches_its_value(tmp_path: Path) -> None:
    document = DOCUMENT + (
        'base_url = "https://a.test"\ncredential = "key"\nprefix = ""\ninclude = ["get*"]\n'
        'exclude = ["getB"]\nmanifest = { tags = ["a"] }\n'
    )
    server = SERVER + (
        f'arguments = ["{{folder}}/a"]\nfolder = "{tmp_path}"\nenv = {{ A = "b" }}\n'
        'paths = [{ path = "/srv", access = "read" }]\ndomains = ["a.test:443"]\n'
        'read_only = ["look"]\n'
    )
    found = read(tmp_path, document + server).registry

    [openapi], [mcp] = found.openapi, found.mcp
    assert (openapi.file, openapi.base_url, openapi.credential) == (
        str(PETSTORE),
        "https://a.test",
        "key",
    )
    assert (openapi.chosen.prefix, openapi.chosen.include, openapi.chosen.exclude) == (
        "",
        ("get*",),
        ("getB",),
    )
    assert openapi.chosen.manifest == {"tags": ["a"]}
    assert (mcp.command, mcp.arguments, mcp.folder) == (
        "/usr/bin/server",
        ("{folder}/a",),
        str(tmp_path),
    )
    assert (mcp.env, mcp.domains, mcp.read_only) == ({"A": "b"}, ("a.test:443",), ("look",))
    assert mcp.paths == ({"path": "/srv", "access": "read"},)


def test_tools_have_the_name_of_their_entry_before_theirs(tmp_path: Path) -> None:
    found = read(tmp_path, DOCUMENT + SERVER).registry

    assert (found.openapi[0].chosen.prefix, found.mcp[0].chosen.prefix) == ("pets_", "notes_")


REFUSED = {
    "an entry without a name": ('[[registry.mcp]]\ncommand = "/a"', "registry.mcp"),
    "a name that is none": (SERVER.replace("notes", "../x"), "registry.mcp[0].name"),
    "two of one name": (SERVER + SERVER, "registry.mcp.name"),
    "a key that nobody knows": (SERVER + "comand = 1", "registry.mcp[0].comand"),
    "no command": ('[[registry.mcp]]\nname = "a"', "registry.mcp[0].command"),
    "a command that would be looked for": (
        SERVER.replace("/usr/bin/server", "node"),
        "registry.mcp[0].command",
    ),
    "a folder that is not there": (SERVER + 'folder = "/nowhere"', "registry.mcp[0].folder"),
    "arguments that are no list": (SERVER + 'arguments = "a"', "registry.mcp[0].arguments"),
    "an environment of numbers": (SERVER + "env = { A = 1 }", "registry.mcp[0].env.A"),
    "paths that are no list": (SERVER + 'paths = "/"', "registry.mcp[0].paths"),
    "a manifest that is no table": (SERVER + "manifest = 5", "registry.mcp[0].manifest"),
    "a file that is not there": (
        DOCUMENT.replace(str(PETSTORE), "/nowhere"),
        "registry.openapi[0].file",
    ),
    "a prefix that is no text": (DOCUMENT + "prefix = 1", "registry.openapi[0].prefix"),
    "patterns that are no texts": (DOCUMENT + "include = [1]", "registry.openapi[0].include[0]"),
    "a list that is none": ("mcp = 5", "registry.mcp"),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_the_settings_are_refused_with_the_key_for(sentence: str, tmp_path: Path) -> None:
    text, key = REFUSED[sentence]

    with pytest.raises(SettingsError) as refused:
        read(tmp_path, text)
    assert key in str(refused.value)


def test_they_need_the_registry(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="enabled = true"):
        read(tmp_path, SERVER, enabled=False)
