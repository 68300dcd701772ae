"""
Reads the settings: flags win over the environment, which wins over the file.

Theory of operation.  Each layer yields `(key, Setting)` pairs with dotted keys, checked against the
known names as they are read, so that an error can say where the wrong name stands.  Nothing reads
the environment or the file later.

`TOOLCELL_SERVER__LISTEN` is `server.listen`.  The value of a key that holds a text is taken as it
is; any other is read as TOML (`true`, `3`, `["/etc"]`).  Variables without `__` that are close to
no key (`TOOLCELL_TOKEN`) are left to other programs.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.settings.building import SECTIONS, Setting, build
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.names import check_known

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toolcell_server.settings.values import Settings

PREFIX: Final = "TOOLCELL_"
CONFIG_VARIABLE: Final = "TOOLCELL_CONFIG"
_TEXTS: Final = frozenset(
    {
        "server.listen",
        "server.metrics_listen",
        "log_format",
        "state_dir",
        "policy.minimum_isolation",
        "egress.ca_file",
        "approval.default_for_destructive",
        "audit.folder",
        "audit.checkpoint_file",
        "audit.on_failure",
        "audit.on_broken",
        "audit.fsync",
        "records.synchronous",
        "arguments.screen_action",
        "results.action",
        "auth.tokens_file",
        "auth.certificate_names",
        *(f"auth.jwt.{name}" for name in ("issuer", "jwks_file", "jwks_url", "ca_file")),
        *(f"server.tls.{name}" for name in ("certificate", "key", "client_ca")),
    }
)
_TABLES: Final = frozenset({*filter(None, SECTIONS), "limits"})
# Sections that protect as soon as they say something, and what: an empty one would protect nothing.
_NEVER_EMPTY: Final = {
    "auth": "add [[auth.tokens]], [auth.jwt], certificates, or tokens = [], which lets nobody in",
    "auth.jwt": "add issuer, audience, and one of jwks_file, jwks_url, secret",
    "server.tls": "add certificate and key",
}


def read(
    config: str = "",
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
) -> Settings:
    """
    The settings of the file `config` (else the one that TOOLCELL_CONFIG names, else none), of the
    environment, and of flags (by key, values as texts).

    Raises:
        SettingsError: something cannot be read or used; one line that says what to do.
    """
    environment = environment or {}
    path = config or environment.get(CONFIG_VARIABLE, "")
    found: dict[str, Setting] = {}
    if path:
        found.update(_from_file(path))
    found.update(_from_environment(environment))
    found.update(_from_flags(flags or {}))
    return build(found)


def _from_file(path: str) -> Iterator[tuple[str, Setting]]:
    source = f"the file {path}"
    yield from _flattened(_load(path), "", source)


def _load(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_bytes().decode())
    except OSError as exc:
        raise SettingsError(
            f"cannot read the settings file {path}: {exc.strerror}",
            f"name another with --config or {CONFIG_VARIABLE}, or make this one readable",
        ) from None
    except UnicodeDecodeError as exc:
        raise SettingsError(
            f"the settings file {path} is not UTF-8 at byte {exc.start}", "save it as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as exc:
        raise SettingsError(
            f"the settings file {path} is not TOML: {exc}", "correct that line"
        ) from None
    except RecursionError:
        raise SettingsError(
            f"the settings file {path} is nested too deeply", "no setting is; write it flatter"
        ) from None


def _flattened(table: dict[str, Any], above: str, source: str) -> Iterator[tuple[str, Setting]]:
    for name, value in table.items():
        key = f"{above}.{name}" if above else name
        _check_name(key, source)
        if key not in _TABLES:
            yield key, Setting(value, source)
        elif value == {} and key in _NEVER_EMPTY:
            what, remedy = "says nothing", f"{_NEVER_EMPTY[key]}, or remove it"
            raise SettingsError(what, remedy, key=key, source=source)
        elif isinstance(value, dict):
            yield from _flattened(value, key, source)
        else:
            raise SettingsError(
                "is a section", f"write it as [{key}]", key=key, value=value, source=source
            )


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, Setting]]:
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE:
            continue
        key = variable.removeprefix(PREFIX).lower().replace("__", ".")
        if "." not in key and not difflib.get_close_matches(key, SECTIONS[""], n=1):
            continue
        source = f"the environment variable {variable}"
        _check_name(key, source)
        yield key, Setting(_value(key, text, source), source)


def _from_flags(flags: Mapping[str, str]) -> Iterator[tuple[str, Setting]]:
    for key, text in flags.items():
        source = "the command line"
        _check_name(key, source)
        yield key, Setting(_value(key, text, source), source)


def _check_name(key: str, source: str) -> None:
    section, _, name = key.rpartition(".")
    known = {*SECTIONS.get(section, ()), *_below(section)}
    try:
        check_known(key, name, known or {""})
    except SettingsError as exc:
        exc.source = source
        raise


def _below(section: str) -> set[str]:
    """
    The names of the sections directly below one.
    """
    depth = f"{section}." if section else ""
    return {
        table.removeprefix(depth)
        for table in _TABLES
        if table.startswith(depth) and "." not in table.removeprefix(depth)
    }


def _value(key: str, text: str, source: str) -> Any:
    if key in _TEXTS:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        raise SettingsError(
            "is no value",
            'write it as in TOML: true, 3, "text" or ["/etc"]',
            key=key,
            value=text,
            source=source,
        ) from None
