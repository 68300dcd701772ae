"""
The page about Anthropic and Gemini: what it shows works as it stands, and prints what it says.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

from toolcell_client.formats import anthropic_ending, gemini_ending, pieces

PAGE = (Path(__file__).parents[3] / "docs/orchestrators/anthropic-and-gemini.md").read_text()
MEBIBYTE = 2**20


def test_the_examples_print_what_they_say() -> None:
    """
    One after another, as a reader types them.
    """
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        promised = re.findall(r"(?:^|  )# (.+)$", code, re.MULTILINE)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "anthropic-and-gemini.md", "exec"), names)

        assert promised == [line.rstrip() for line in printed.getvalue().splitlines()]
        assert promised


def test_the_table_says_which_reasons_cut_nothing() -> None:
    (row,) = re.findall(r"^\| (.+) \| whole \|$", PAGE, re.MULTILINE)

    named = set(re.findall(r"`(\w+)`", row))
    assert anthropic_ending.CUT_NOTHING | gemini_ending.CUT_NOTHING == named


def test_the_bounds_are_those_of_the_code() -> None:
    arguments, text = pieces.ARGUMENT_BYTES // MEBIBYTE, pieces.TEXT_BYTES // MEBIBYTE
    verbatim = pieces.VERBATIM_BYTES // MEBIBYTE

    said = f"{pieces.CALLS} calls, {arguments} MiB of arguments, {text} MiB of text, {verbatim} MiB"
    assert said in PAGE
