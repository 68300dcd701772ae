"""
Reads the TOML manifest of a command tool: the keys of a manifest, and how the command is called.

    name = "count_words"
    description = "Counts the words of a text."
    argv = ["./count.sh", "--minimum={minimum}"]   # no shell; {name} is an argument of the call
    stdin = "{text}"                               # or "json": all arguments; or "none"
    result = "stdout"                              # JSON; or "text"; or "fd3": JSON on descriptor 3
    [parameters]                                   # JSON Schema; or parameters_file = "….json"
    …
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

from toolcell_worker import manifest, template_arguments
from toolcell_worker.command import CommandTool
from toolcell_worker.errors import DefinitionError
from toolcell_worker.manifest_shape import Manifest

OWN = ("argv", "stdin", "result", "parameters_file")
NOT_TO_BE_SET = ("command",)
RESULTS = ("stdout", "fd3", "text")


def load(path: Path) -> CommandTool:
    """
    The command tool that a manifest declares.

    Raises:
        DefinitionError: the manifest is wrong; the text names file, key and remedy.
    """
    values: dict[str, Any] = {}
    try:
        values = _read(path)
        return _build(values, path)
    except DefinitionError as exc:
        name = values.get("name")
        raise DefinitionError(
            f"{path.name}: {exc}", name if isinstance(name, str) else ""
        ) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as exc:
        raise DefinitionError(f"not TOML: {exc}") from None
    except RecursionError:
        raise DefinitionError("nested too deeply; write it flatter") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise DefinitionError(f"cannot be read: {exc}") from None


def _build(values: dict[str, Any], path: Path) -> CommandTool:
    fields = Manifest.__struct_fields__
    known = tuple(name for name in fields if name not in NOT_TO_BE_SET) + OWN
    manifest.refuse_unknown(values, known, path.name, "")
    argv = _argv(values.get("argv"))
    stdin, result = values.get("stdin", "none"), values.get("result", "stdout")
    declared = {key: value for key, value in values.items() if key not in OWN}
    declared["parameters"] = _parameters(values, path)
    declared.setdefault("profile", "subprocess")
    declared["command"] = True
    built = manifest.build({"name": "", "description": "", **declared})
    properties = built.parameters.get("properties", {})
    _check_templates([*argv, *([stdin] if isinstance(stdin, str) else [])], properties)
    _check_ways(stdin, result, built.profile)
    return CommandTool(
        manifest=built.describe(),
        argv=(_executable(argv[0], path.parent), *argv[1:]),
        stdin=stdin,
        result=result,
        folder=str(path.parent),
    )


def _argv(value: Any) -> list[str]:
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return value
    raise DefinitionError('argv must be a list of strings, for example ["./count.sh", "{path}"]')


def _parameters(values: dict[str, Any], path: Path) -> dict[str, Any]:
    if "parameters_file" not in values:
        schema = values.get("parameters", {"type": "object", "properties": {}})
    elif "parameters" in values:
        raise DefinitionError("parameters and parameters_file exclude each other; give one")
    else:
        schema = _read_schema(values["parameters_file"], path)
    if not isinstance(schema, dict):
        raise DefinitionError("the parameters must be an object schema")
    return {"additionalProperties": False, **schema}


def _read_schema(file: Any, path: Path) -> Any:
    if not isinstance(file, str):
        raise DefinitionError("parameters_file must be the name of a file")
    try:
        return json.loads((path.parent / file).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as exc:
        raise DefinitionError(f"parameters_file {file!r} cannot be read: {exc}") from None


def _check_templates(templates: list[str], properties: dict[str, Any]) -> None:
    for template in templates:
        for name in template_arguments.names(template):
            if name not in properties:
                raise DefinitionError(
                    f"{template!r} names the parameter {name!r}, which it does not have; write"
                    " {{ and }} for braces"
                )
    if templates and template_arguments.names(templates[0]):
        raise DefinitionError("the program itself, argv[0], may not depend on an argument")


def _check_ways(stdin: Any, result: Any, profile: str) -> None:
    whole = isinstance(stdin, str) and template_arguments.PART.fullmatch(stdin)
    if stdin not in ("json", "none") and not whole:
        raise DefinitionError(
            f'stdin is {stdin!r}; it must be "json", "none" or one "{{argument}}"'
        )
    if result not in RESULTS:
        raise DefinitionError(f"result is {result!r}; it must be one of {', '.join(RESULTS)}")
    if profile != "subprocess":
        raise DefinitionError(f'profile is {profile!r}; a command needs "subprocess"')


def _executable(program: str, folder: Path) -> str:
    if not program.startswith(("/", "./", "../")):
        raise DefinitionError(
            f"the program {program!r} must be absolute, or begin with ./ to lie beside the manifest"
        )
    found = Path(os.path.normpath(folder / program))
    if not found.is_file():
        raise DefinitionError(f"there is no program {found}")
    if not os.access(found, os.X_OK):
        raise DefinitionError(f"the program {found} is not executable; chmod +x it")
    return str(found)
