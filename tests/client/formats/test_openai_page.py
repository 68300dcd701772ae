"""
The page about the formats of OpenAI: what it shows works as it stands, and prints what it says.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

from toolcell_client.formats import openai_responses_items, pieces

PAGE = (Path(__file__).parents[3] / "docs/orchestrators/openai.md").read_text()
MEBIBYTE = 2**20


def test_the_examples_print_what_they_say() -> None:
    """
    One after another, as a reader types them.
    """
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        promised = re.findall(r"  # (.+)$", code, re.MULTILINE)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "openai.md", "exec"), names)

        assert promised == printed.getvalue().splitlines()
        assert promised


def test_the_bounds_are_those_of_the_code() -> None:
    arguments, text = pieces.ARGUMENT_BYTES // MEBIBYTE, pieces.TEXT_BYTES // MEBIBYTE
    said = f"{pieces.CALLS} calls, {arguments} MiB of arguments, {text} MiB of text"
    verbatim = f"{pieces.VERBATIM_BYTES // MEBIBYTE} MiB of what goes back as it came"

    assert f"{said}, {verbatim}, {openai_responses_items.ITEMS} items" in PAGE
