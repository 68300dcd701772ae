"""
What an author is told of a manifest that asks for what is not there.
"""

from __future__ import annotations

from typing import Any

import pytest
from toolcell_server import screens as server_screens
from toolcell_server.arguments import transforms as server_transforms
from toolcell_worker import guards, tool
from toolcell_worker.errors import DefinitionError

DRAFT_04 = {"$schema": "http://json-schema.org/draft-04/schema#"}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a parameter to screen that it has not": ({"screens": {"/x": ["sql"]}}, "the parameter 'x'"),
    "a screen that is none": ({"screens": {"/q": ["xss"]}}, "use sql, nosql"),
    "a place that is no pointer": ({"transforms": {"q": ["trim"]}}, "'q' is no place"),
    "all arguments to transform": ({"transforms": {"": ["trim"]}}, "is no place"),
    "a transform that is none": ({"transforms": {"/q": ["shout"]}}, "use trim, lower"),
    "an action that is none": ({"screen_action": "ignore"}, "one of report, refuse"),
    "an action of results": ({"result_action": "drop"}, "one of report, strip, refuse"),
    "a screen of results": ({"result_screens": ["sql"]}, "result_screens"),
    "a dialect of old": ({"returns": DRAFT_04}, r"\$schema of returns"),
    "a dialect of one's own": ({"returns": {"$schema": 7}}, "is 7"),
}


@pytest.mark.parametrize(("options", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_told_to_the_author(options: dict[str, Any], says: str) -> None:
    def asked(q: str) -> str:
        """
        Ask.
        """
        return q

    with pytest.raises(DefinitionError, match=says):
        tool(**options)(asked)


def test_what_can_be_done_is_in_the_manifest() -> None:
    @tool(
        transforms={"/q": ["trim", "max_length:20"], "/rest/*": ["lower"]},
        screens={"": ["html"], "/q": ("sql",)},
        returns={"$schema": "http://json-schema.org/draft-07/schema#", "type": "string"},
        fill_defaults=True,
        redact_keys=("token",),
    )
    def asked(q: str, rest: list[str]) -> str:
        """
        Ask.
        """
        return q + str(rest)

    manifest = asked.tool_definition.manifest  # type: ignore[attr-defined]

    assert {"": ["html"], "/q": ["sql"]} == manifest["screens"]
    assert ["token"] == manifest["redact_keys"]
    assert manifest["fill_defaults"]


def test_author_and_server_know_the_same_words() -> None:
    """
    The server imports no authoring, nor authoring the server.
    """
    assert tuple(server_screens.KINDS) == guards.SCREENS
    assert all(guards.TRANSFORM.fullmatch(name) for name in server_transforms.NAMED)
