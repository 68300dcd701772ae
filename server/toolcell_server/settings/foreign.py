"""
The lists `[[registry.openapi]]` and `[[registry.mcp]]`: tools that the operator has from documents
and from MCP servers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from toolcell_server.settings import checks, shapes
from toolcell_server.settings.errors import SettingsError

OPENAPI: Final = "registry.openapi"
MCP: Final = "registry.mcp"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_COMMON: Final = ("name", "prefix", "include", "exclude", "manifest")
_OPENAPI_KEYS: Final = (*_COMMON, "file", "base_url", "credential")
_MCP_KEYS: Final = (
    *_COMMON,
    "command",
    "arguments",
    "folder",
    "env",
    "paths",
    "domains",
    "read_only",
)
_LARGEST_FILE: Final = 4 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """
    Which tools of a source are had, by its own names for them (`*` stands for anything), and under
    which names here: `prefix` stands before each.  `manifest` holds keys for all their manifests.
    """

    name: str
    prefix: str
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, key: str, entry: Mapping[str, Any]) -> Self:
        """
        Raises:
            SettingsError: a value cannot be used.
        """
        name = shapes.name(key, entry, 32)
        if not _NAME.fullmatch(name):
            remedy = "use letters, digits, _ and -, a letter first"
            raise SettingsError("is no name", remedy, key=f"{key}.name", value=name)
        prefix, manifest = entry.get("prefix", f"{name}_"), entry.get("manifest", {})
        checks.text(f"{key}.prefix", prefix)
        if not isinstance(manifest, Mapping):
            remedy = "write it as { tags = [...] }"
            raise SettingsError("is no table", remedy, key=f"{key}.manifest", value=manifest)
        include = shapes.texts(f"{key}.include", entry.get("include", ["*"]))
        exclude = shapes.texts(f"{key}.exclude", entry.get("exclude", []))
        return cls(name=name, prefix=prefix, include=include, exclude=exclude, manifest=manifest)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApiSettings:
    """
    A document, and where its operations are, if it does not say so itself.
    """

    chosen: Chosen
    file: str
    base_url: str = ""
    credential: str = ""

    @classmethod
    def parse(cls, key: str, entry: Mapping[str, Any]) -> Self:
        """
        Raises:
            SettingsError: a value cannot be used.
        """
        chosen, file = Chosen.parse(key, entry), entry.get("file", "")
        for name in ("file", "base_url", "credential"):
            checks.text(f"{key}.{name}", entry.get(name, ""))
        if not Path(file).is_file() or Path(file).stat().st_size > _LARGEST_FILE:
            remedy = f"name an OpenAPI document of at most {_LARGEST_FILE} bytes"
            raise SettingsError("is no such file", remedy, key=f"{key}.file", value=file)
        return cls(
            chosen=chosen,
            file=file,
            base_url=entry.get("base_url", ""),
            credential=entry.get("credential", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class McpSettings:
    """
    A program, and what its tools get.  `folder` holds its code, which its cells find read-only;
    `{folder}` in its arguments is where.  `read_only` are the tools that only read.
    """

    chosen: Chosen
    command: str
    arguments: tuple[str, ...] = ()
    folder: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[Any, ...] = ()
    domains: tuple[Any, ...] = ()
    read_only: tuple[str, ...] = ()

    @classmethod
    def parse(cls, key: str, entry: Mapping[str, Any]) -> Self:
        """
        Raises:
            SettingsError: a value cannot be used.
        """
        chosen, command, folder = Chosen.parse(key, entry), entry.get("command", ""), ""
        checks.text(f"{key}.command", command)
        if not command.startswith(("/", "{folder}/")):
            remedy = 'give an absolute path, as "/usr/bin/node", or one in "{folder}/"'
            raise SettingsError("is no program", remedy, key=f"{key}.command", value=command)
        if "folder" in entry:
            checks.directory(f"{key}.folder", entry["folder"])
            folder = str(Path(entry["folder"]).resolve())
        return cls(
            chosen=chosen,
            command=command,
            arguments=shapes.texts(f"{key}.arguments", entry.get("arguments", [])),
            folder=folder,
            env=_environment(f"{key}.env", entry.get("env", {})),
            paths=_list(f"{key}.paths", entry.get("paths", [])),
            domains=_list(f"{key}.domains", entry.get("domains", [])),
            read_only=shapes.texts(f"{key}.read_only", entry.get("read_only", [])),
        )


def openapi(entries: Any) -> tuple[OpenApiSettings, ...]:
    """
    Raises:
        SettingsError: one cannot be used, or two have one name.
    """
    tables = shapes.tables(OPENAPI, entries, _OPENAPI_KEYS)
    found = tuple(OpenApiSettings.parse(key, entry) for key, entry in tables)
    shapes.unique(OPENAPI, [each.chosen.name for each in found])
    return found


def mcp(entries: Any) -> tuple[McpSettings, ...]:
    """
    Raises:
        SettingsError: one cannot be used, or two have one name.
    """
    found = tuple(
        McpSettings.parse(key, entry) for key, entry in shapes.tables(MCP, entries, _MCP_KEYS)
    )
    shapes.unique(MCP, [each.chosen.name for each in found])
    return found


def _environment(key: str, value: Any) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        remedy = 'write it as { NAME = "value" }'
        raise SettingsError("is no table", remedy, key=key, value=value)
    for name, text in value.items():
        checks.text(f"{key}.{name}", text)
    return value


def _list(key: str, value: Any) -> tuple[Any, ...]:
    """
    Entries that the manifests' own check understands.
    """
    if not isinstance(value, list):
        raise SettingsError("is no list", "write it as [...]", key=key, value=value)
    return tuple(value)
