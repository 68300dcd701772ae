"""
What the examples do where a key or the server is missing.  A program of yours needs none of this.

Without a key of the provider, a provider on this machine answers, over real HTTP and in the real
wire format; its model says what the script of the example says.  The tools run for real either way.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_client import Client, ServerUnreachable
from toolcell_client.testing.providers import Calls, ProviderServer, Says, Then

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from toolcell_client.testing.providers import Fails, Turn, View

    Step = Turn | Then | Fails

# The folder that settings.toml grants to tools.
FOLDER = Path(os.environ.get("TOOLCELL_EXAMPLES", "/tmp/toolcell-examples"))  # noqa: S108  # the user makes it
START = "toolcell serve --config examples/settings.toml"

QUESTION = "What is 19 times 23? And how many words has 'to be or not to be'?"


def _told(view: View) -> Turn:
    product, text = (each.value for each in view.results)
    return Says(f"19 times 23 is {product['value']}; the text has {text['words']} words.")


CALCULATES = ("calculate", {"expression": "19 * 23"})
COUNTS = ("text_stats", {"text": "to be or not to be"})
# What the model of most examples says: two calls at once, then what came of them; and the same
# where a response has one call.
SCRIPT = (Calls(CALCULATES, COUNTS), Then(_told))
ONE_BY_ONE = (Calls(CALCULATES), Calls(COUNTS), Then(_told))
COUNT = (
    Calls(COUNTS),
    Then(lambda view: Says(f"It has {view.results[0].value['words']} words.")),
)


@contextlib.contextmanager
def _provider(
    variables: tuple[str, ...], steps: tuple[Step, ...]
) -> Iterator[ProviderServer | None]:
    if any(os.environ.get(each) for each in variables):
        yield None
        return
    print(f"no {variables[0]}: a scripted model answers", file=sys.stderr)
    with ProviderServer() as server:
        server.script(steps)
        yield server


@contextlib.contextmanager
def openai_options(*steps: Step) -> Iterator[dict[str, Any]]:
    """
    Arguments for `openai.OpenAI`: none, if there is a key.
    """
    with _provider(("OPENAI_API_KEY",), steps) as server:
        yield {"base_url": server.openai_base_url, "api_key": "none"} if server else {}


@contextlib.contextmanager
def anthropic_options(*steps: Step) -> Iterator[dict[str, Any]]:
    """
    Arguments for `anthropic.Anthropic`.
    """
    with _provider(("ANTHROPIC_API_KEY",), steps) as server:
        yield {"base_url": server.anthropic_base_url, "api_key": "none"} if server else {}


@contextlib.contextmanager
def gemini_options(*steps: Step) -> Iterator[dict[str, Any]]:
    """
    Arguments for `google.genai.Client`.
    """
    with _provider(("GEMINI_API_KEY", "GOOGLE_API_KEY"), steps) as server:
        place = server and {"base_url": server.gemini_base_url}
        yield {"http_options": place, "api_key": "none"} if place else {}


def run(main: Callable[[], object]) -> None:
    """
    Run an example, if a toolcell server answers; else say how to start one.
    """
    try:
        with Client() as client:
            client.toolset()
        main()
    except ServerUnreachable as exc:
        sys.exit(f"{exc}; start one: {START}")
