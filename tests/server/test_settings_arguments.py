"""
The sections that say what is done about hostile arguments and results, and the page about them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from toolcell_server.instructions import redactor
from toolcell_server.settings import Settings, SettingsError, read
from toolcell_server.settings.arguments import ScreenSettings

PAGE = Path(__file__).parents[2] / "docs" / "governance" / "arguments.md"
SECRET = "s3cret-s3cret"


def settings(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "toolcell.toml"
    file.write_text(text)
    return read(str(file))


def test_without_settings_nothing_is_done(tmp_path: Path) -> None:
    found = settings(tmp_path, "")

    assert ("", False, ()) == (
        found.arguments.screen_action,
        found.arguments.fill_defaults,
        found.screens,
    )
    assert not redactor(found)


def test_every_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    found = settings(
        tmp_path,
        f"""
        [arguments]
        fill_defaults = true
        drop_nulls = true
        screen_action = "refuse"
        [[screens]]
        tool = "query"
        at = "/sql"
        kinds = ["sql"]
        action = "report"
        [results]
        screens = ["html", "control"]
        action = "strip"
        [redaction]
        keys = ["password"]
        builtin_patterns = true
        values = [{{ file = "{tmp_path}/secret" }}]
        patterns = [{{ name = "a", prefix = "acme_", characters = "a-z", minimum = 9 }}]
        """,
    )

    assert (
        ScreenSettings(tool="query", at="/sql", kinds=("sql",), action="report"),
    ) == found.screens
    assert (("html", "control"), "strip") == (found.results.screens, found.results.action)
    assert "acme_" in str(found.redaction.shapes)
    assert SECRET not in repr(found)
    assert "[redacted] [redacted]" == redactor(found).text(f"{SECRET} acme_{'a' * 9}")


def test_credentials_of_the_egress_are_redacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    With their prefix and without: a server that echoes requests shows either.
    """
    monkeypatch.setenv("WEATHER_KEY", SECRET)
    found = settings(
        tmp_path,
        """
        [egress]
        credentials = [{ name = "weather", header = "Authorization", prefix = "Key ",
                         env = "WEATHER_KEY", hosts = ["api.example.com"] }]
        """.replace("\n                         ", " "),
    )

    assert "a [redacted] b" == redactor(found).text(f"a Key {SECRET} b")
    assert "a [redacted] b" == redactor(found).text(f"a {SECRET} b")


def test_a_credential_too_short_to_be_redacted_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WEATHER_KEY", "abc")
    found = settings(
        tmp_path,
        '[egress]\ncredentials = [{ name="w", header = "X", env = "WEATHER_KEY", hosts = ["a"] }]',
    )
    redactor(found)

    assert "not redacted" in caplog.text
    assert "abc" not in caplog.text


WRONG: dict[str, tuple[str, str]] = {
    "an action that is none": ('[arguments]\nscreen_action = "log"', "arguments.screen_action"),
    "a switch that is none": ("[arguments]\ndrop_nulls = 1", "arguments.drop_nulls"),
    "a key that is none": ("[arguments]\nfill = true", "arguments.fill"),
    "screens that are no list": ("screens = 3", "screens = 3: is no list of tables"),
    "a screen without a place": ('[[screens]]\nkinds = ["sql"]', "screens[0].at: is missing"),
    "a screen without kinds": ('[[screens]]\nat = "/q"', "screens[0].kinds: is missing"),
    "a screen of no kind": ('[[screens]]\nat = "/q"\nkinds = []', "names no kind"),
    "a screen of an unknown kind": ('[[screens]]\nat = "/q"\nkinds = ["xss"]', "give one of sql"),
    "a screen at no place": ('[[screens]]\nat = "q"\nkinds = ["sql"]', "is no place"),
    "a misspelt key of a screen": ('[[screens]]\nat = "/q"\nkind = ["sql"]', "did you mean kinds"),
    "an action of a screen": (
        '[[screens]]\nat = "/q"\nkinds = ["sql"]\naction = "x"',
        "screens[0].action",
    ),
    "an unknown screen of results": ('[results]\nscreens = ["sql"]', "results.screens"),
    "an action of results": ('[results]\naction = "drop"', "give one of report, strip, refuse"),
    "a pattern without a prefix": (
        '[redaction]\npatterns = [{ name = "a" }]',
        "patterns[0].prefix",
    ),
    "a prefix that is everywhere": (
        '[redaction]\npatterns = [{ name="a", prefix="a", characters="a-z", minimum=3 }]',
        "3 to 64 characters",
    ),
    "a value that is no reference": (f'[redaction]\nvalues = ["{SECRET}"]', "values[0]"),
    "a variable that is not set": ('[redaction]\nvalues = [{ env = "NO_SUCH" }]', "is not set"),
    "a file that is not there": ('[redaction]\nvalues = [{ file = "/no/such" }]', "cannot be read"),
    "an empty key": ('[redaction]\nkeys = [""]', "redaction.keys[0]"),
    "keys that are no list": ('[redaction]\nkeys = "password"', "redaction.keys: is no list"),
}


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_refused_by_name(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(tmp_path, text)

    assert says in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_secret_that_is_too_short_is_refused_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORT", "pa55")
    with pytest.raises(SettingsError) as refused:
        settings(tmp_path, '[redaction]\nvalues = [{ env = "SHORT" }]')

    assert "4 bytes" in str(refused.value)
    assert "pa55" not in str(refused.value)


def blocks() -> list[str]:
    return re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_example_of_the_page_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    As it stands there.
    """
    monkeypatch.setenv("DATABASE_PASSWORD", SECRET)
    [example] = blocks()
    found = settings(tmp_path, example)

    assert found.screens
    assert redactor(found)


@pytest.mark.parametrize("section", ["arguments", "results", "redaction"])
def test_the_page_names_every_key(section: str) -> None:
    from toolcell_server.settings.building import SECTIONS

    page = PAGE.read_text()
    missing: list[Any] = [name for name in SECTIONS[section] if f"`{section}.{name}`" not in page]

    assert [] == missing
