"""
The list `[[rates]]`: what is read, and what is said about what cannot be used.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from toolcell_server import settings
from toolcell_server.rates.rules import KINDS, PER
from toolcell_server.settings import SettingsError
from toolcell_server.settings.rates import build

PAGE = (Path(__file__).parents[2] / "docs" / "governance" / "rates.md").read_text()


def read(folder: Path, text: str) -> settings.Settings:
    path = folder / "toolcell.toml"
    path.write_text(text)
    return settings.read(str(path))


def test_nothing_is_limited_by_default() -> None:
    """
    Quotas are the operator's to set.
    """
    assert settings.read().rates == ()


def test_the_example_for_operators_is_read_as_it_is_explained(tmp_path: Path) -> None:
    """
    What somebody copies works.
    """
    [example] = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    interactive, strangers, searching, whole = read(
        tmp_path, example.replace("/var/lib/toolcell", str(tmp_path))
    ).rates

    assert [(5, 1), (100, 60), (2000, 86400)] == [
        (window.calls, window.seconds) for window in interactive.calls
    ]
    assert (interactive.concurrency, interactive.cpu_seconds_per_day) == (4, 600)
    assert interactive.egress_bytes_per_day == 10**9
    assert (strangers.principal, strangers.calls[0].calls) == ("anonymous", 60)
    assert (searching.per, searching.tools) == ("tool", ("web_search", "category:search"))
    assert (whole.name, whole.per, whole.principal) == ("whole server", "global", "*")


@pytest.mark.parametrize("word", [*PER, *KINDS, *(f"`{key}`" for key in ("name", "principal"))])
def test_every_word_is_explained(word: str) -> None:
    """
    Whoever reads a refusal looks there.
    """
    assert word in PAGE


def test_defaults_are_those_of_the_table() -> None:
    """
    A rule is about everybody, everything, per principal.
    """
    [found] = build([{"calls": "1/second"}])

    assert (found.name, found.principal, found.tools, found.per) == (
        "rates[0]",
        "*",
        ("*",),
        "principal",
    )


def entry(**fields: Any) -> list[dict[str, Any]]:
    return [{"calls": "1/second", **fields}]


WRONG: dict[str, tuple[Any, str, str]] = {
    "no list": ({"calls": "1/second"}, "rates", "[[rates]]"),
    "no tables": (["1/second"], "rates", "[[rates]]"),
    "too many": (entry() * 101, "rates", "at most 100"),
    "a misspelt key": (entry(tool=["a"]), "rates[0].tool", "tools"),
    "no limit": ([{"principal": "alice"}], "rates[0]", "limits nothing"),
    "an empty limit": ([{"calls": []}], "rates[0].calls", "empty"),
    "no rate": (entry(calls="often"), "rates[0].calls", "100/minute"),
    "no number": (entry(calls_per_hour="9"), "rates[0].calls_per_hour", "whole number"),
    "no place": (entry(concurrency=0), "rates[0].concurrency", "from 1"),
    "no time": (entry(cpu_seconds_per_day=0), "rates[0].cpu_seconds_per_day", "from 0.001"),
    "no number of time": (
        entry(cpu_seconds_per_day=float("nan")),
        "rates[0].cpu_seconds_per_day",
        "from 0.001",
    ),
    "no bytes": (entry(egress_bytes_per_day=0.5), "rates[0].egress_bytes_per_day", "whole"),
    "an unknown per": (entry(per="session"), "rates[0].per", "principal_tool"),
    "a per that is a list": (entry(per=["tool"]), "rates[0].per", "principal_tool"),
    "no principal": (entry(principal=""), "rates[0].principal", "role:"),
    "a role without a name": (entry(principal="role:"), "rates[0].principal", "role:"),
    "a list of principals": (entry(principal=["a"]), "rates[0].principal", "quotes"),
    "no tools": (entry(tools=[]), "rates[0].tools", "list of tools"),
    "tools as a text": (entry(tools="echo"), "rates[0].tools", "list of tools"),
    "an unknown kind of tools": (entry(tools=["*", "colour:a"]), "rates[0].tools[1]", "category:"),
    "a tag without a name": (entry(tools=["tag:"]), "rates[0].tools[0]", "category:"),
    "a name that no log can show": (entry(name="a\nb"), "rates[0].name", "letters"),
    "two about the same": (
        [*entry(tools=["a", "b"]), *entry(tools=["b", "a"], concurrency=1)],
        "rates[1]",
        "rates[0]",
    ),
}


@pytest.mark.parametrize(("entries", "key", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_used_is_named_with_its_remedy(entries: Any, key: str, said: str) -> None:
    """
    An operator finds it without reading our code.
    """
    with pytest.raises(SettingsError) as caught:
        build(entries)

    assert key == caught.value.key
    assert said in str(caught.value)


def test_an_error_says_in_which_file(tmp_path: Path) -> None:
    """
    As every other setting's.
    """
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, '[[rates]]\ncalls = "often"\n')

    assert f"the file {tmp_path}/toolcell.toml: rates[0].calls" in str(caught.value)
