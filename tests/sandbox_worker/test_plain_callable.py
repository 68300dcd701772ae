"""
Plain callables that carry a `tool_definition`: nobody has to import toolcell to be a tool.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest
from loading_bundles import bundle
from toolcell_worker import Context, plain_callable
from toolcell_worker.errors import DefinitionError

pytestmark = pytest.mark.usefixtures("clean_imports")

SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
SHOUT = f"""
def shout(word, mark="!", _secret=False):
    return word.upper() + mark

shout.tool_definition = {{
    "name": "shout",
    "description": "Shouts a word.",
    "parameters": {SCHEMA},
}}
"""


def shout(word: str, mark: str = "!") -> str:
    return word.upper() + mark


FORMATS: dict[str, dict[str, Any]] = {
    "a function of OpenAI": {"name": "shout", "description": "Shouts.", "parameters": SCHEMA},
    "in its envelope": {
        "type": "function",
        "function": {"name": "shout", "description": "Shouts.", "parameters": SCHEMA},
    },
    "strict": {
        "type": "function",
        "strict": True,
        "name": "shout",
        "description": "Shouts.",
        "parameters": SCHEMA,
    },
    "a tool of Anthropic": {"name": "shout", "description": "Shouts.", "input_schema": SCHEMA},
}


@pytest.mark.parametrize("declared", FORMATS.values(), ids=FORMATS.keys())
def test_a_definition_is_read_in_each_format_that_is_in_use(declared: dict[str, Any]) -> None:
    """
    People have them already.
    """
    tool = plain_callable.of(shout, declared, "")

    assert "HI!" == tool.call(b'{"word": "hi"}', Context())
    assert "shout" == tool.manifest["name"]
    assert {**SCHEMA, "additionalProperties": False} == tool.manifest["parameters"]


def test_a_plain_callable_of_a_folder_is_a_tool(tmp_path: Any) -> None:
    """
    The file imports nothing of ours.
    """
    catalogue = bundle(tmp_path, {"shout.py": SHOUT})

    assert [] == catalogue.broken
    assert "HI!" == catalogue.tools["shout", "1"].call({"word": "hi"}, Context())
    assert str(tmp_path) == catalogue.tools["shout", "1"].folder


def test_what_its_schema_does_not_name_is_not_the_models_to_give(tmp_path: Any) -> None:
    """
    A parameter of the function that the definition leaves out is its author's own; the server
    checks the schema.
    """
    schema = bundle(tmp_path, {"shout.py": SHOUT}).tools["shout", "1"].manifest["parameters"]

    assert schema["additionalProperties"] is False


def test_keys_of_a_manifest_may_stand_beside() -> None:
    """
    Effects, limits and grants are not what providers' formats have.
    """
    more = {"effects": "read_only", "limits": {"wall_seconds": 2}, "version": "3"}
    tool = plain_callable.of(shout, {**FORMATS["strict"], **more}, "")

    assert "read_only" == tool.manifest["effects"]
    assert "3" == tool.manifest["version"]
    assert 2 == tool.manifest["limits"]["wall_seconds"]


def test_an_imported_callable_is_not_the_file_s_own(tmp_path: Any) -> None:
    """
    Otherwise a tool would be there twice as soon as another file uses it.
    """
    files = {"shout.py": SHOUT, "uses.py": "from shout import shout\n"}
    catalogue = bundle(tmp_path, files)

    assert [("shout", "1")] == list(catalogue.tools)
    assert [] == catalogue.broken


def test_an_object_that_can_be_called_is_a_tool_and_its_class_is_not(tmp_path: Any) -> None:
    """
    To call the class would make an object and run nothing.
    """
    text = """
        class Repeater:
            tool_definition = {"name": "repeat", "description": "Repeats.",
                "parameters": {"type": "object", "properties": {"word": {"type": "string"}}}}
            def __call__(self, word):
                return word * 2
        repeat = Repeater()
        again = repeat
    """
    catalogue = bundle(tmp_path, {"repeat.py": text})

    assert [] == catalogue.broken
    assert "hihi" == catalogue.tools["repeat", "1"].call({"word": "hi"}, Context())


def test_a_partial_is_a_tool_of_the_file_of_its_function(tmp_path: Any) -> None:
    """
    A partial says that its module is functools.
    """
    text = SHOUT + (
        "import functools\nask = functools.partial(shout, mark='?')\n"
        "ask.tool_definition = {**shout.tool_definition, 'name': 'ask'}\n"
    )
    catalogue = bundle(tmp_path, {"shout.py": text})

    assert "HI?" == catalogue.tools["ask", "1"].call({"word": "hi"}, Context())
    assert functools.partial(shout).func is shout


def test_an_asynchronous_callable_returns_what_has_yet_to_run() -> None:
    """
    As an asynchronous tool does; the runner drives both.
    """

    async def later(word: str) -> str:
        return word

    found = plain_callable.of(later, {**FORMATS["strict"], "name": "later"}, "")

    assert "hi" == asyncio.run(found.call({"word": "hi"}, Context()))


WRONG: dict[str, tuple[Any, str]] = {
    "no dict": ("shout", "is no dict"),
    "no name": ({"description": "Does."}, "the name '' must match"),
    "no description": ({"name": "x"}, "no description"),
    "an unknown key": (
        {"name": "x", "description": "Does.", "parametres": {}},
        "unknown key 'parametres'",
    ),
    "parameters that are no object": (
        {"name": "x", "description": "Does.", "parameters": {"type": "array"}},
        "not an object schema",
    ),
    "parameters that are no schema": (
        {"name": "x", "description": "Does.", "parameters": 3},
        "parameters",
    ),
}


@pytest.mark.parametrize(("declared", "reason"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_definition_says_which_and_why(declared: Any, reason: str) -> None:
    """
    It is listed with that sentence.
    """
    with pytest.raises(DefinitionError) as refused:
        plain_callable.of(shout, declared, "")

    assert reason in str(refused.value)
    assert "shout" in str(refused.value) or "tool_definition" in str(refused.value)


def test_a_wrong_definition_leaves_the_other_tools_of_its_file(tmp_path: Any) -> None:
    """
    It was found when the file had loaded.
    """
    text = SHOUT + "def bad(): ...\nbad.tool_definition = 7\n"
    catalogue = bundle(tmp_path, {"shout.py": text})

    assert [("shout", "1")] == list(catalogue.tools)
    assert [("bad", "shout.py")] == [(one["name"], one["file"]) for one in catalogue.broken]


def test_an_object_whose_attributes_fail_is_passed_over(tmp_path: Any) -> None:
    """
    Proxies and lazy modules do that; a file may hold any.
    """
    text = SHOUT + (
        "class Odd:\n    def __call__(self): ...\n"
        "    def __getattr__(self, name):\n        raise RuntimeError(name)\nodd = Odd()\n"
    )
    catalogue = bundle(tmp_path, {"shout.py": text})

    assert [("shout", "1")] == list(catalogue.tools)
    assert [] == catalogue.broken
