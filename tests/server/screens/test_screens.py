"""
What each screen tells, what it lets pass, and that no text makes it slow.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from screening import attacks
from screening.attacks import ATTACKS
from screening.look_alikes import KNOWN_FALSE, LATER, LOOK_ALIKES
from toolcell_server.screens import KINDS, looks_like
from toolcell_server.screens.readings import MAXIMUM, Unreadable

HARMLESS = [*(text for texts in LOOK_ALIKES.values() for text in texts), *LATER]
PAGE = Path(__file__).parents[3] / "docs" / "governance" / "arguments.md"
FALSE_POSITIVES = 0.02  # of all harmless texts, for each kind; measured, and not to become worse
SLOWEST = 5.0  # seconds; measured: 0.1, and a backtracking expression would take years


def test_there_are_tables_worth_the_name() -> None:
    assert set(KINDS) == set(ATTACKS) == set(LOOK_ALIKES)
    assert sum(map(len, ATTACKS.values())) + len(HARMLESS) > 300


@pytest.mark.parametrize("kind", KINDS)
def test_every_attack_is_told(kind: str) -> None:
    all_of_them = [*ATTACKS[kind], *attacks.LATER[kind]]
    missed = [text for text in all_of_them if looks_like(text, [kind]) != [kind]]

    assert [] == missed


@pytest.mark.parametrize("kind", KINDS)
def test_look_alikes_of_its_kind_pass_a_screen(kind: str) -> None:
    """
    O'Brien orders a chair, and markdown is markdown.
    """
    assert [] == [text for text in LOOK_ALIKES[kind] if looks_like(text, [kind])]


@pytest.mark.parametrize("kind", KINDS)
def test_a_screen_lets_nearly_everything_harmless_pass(kind: str) -> None:
    """
    The look-alikes of all kinds, and those that we know to be told although they are harmless:
    they are counted, not hidden.
    """
    told = [text for text in [*HARMLESS, *KNOWN_FALSE] if looks_like(text, [kind])]

    assert len(told) <= FALSE_POSITIVES * len(HARMLESS + list(KNOWN_FALSE)), told


def test_the_page_tells_the_numbers() -> None:
    told, all_of_them = len(KNOWN_FALSE), len(HARMLESS) + len(KNOWN_FALSE)

    assert f"{told} of {all_of_them} harmless texts" in " ".join(PAGE.read_text().split())


def test_what_is_known_to_be_told_by_mistake_is() -> None:
    """
    Should one of them pass one day, it belongs among the look-alikes.
    """
    assert [] == [text for text in KNOWN_FALSE if not looks_like(text, KINDS)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_attack_is_told_within_a_long_harmless_text(kind: str) -> None:
    """
    Prose around it does not hide it, where it is no matter of the text's beginning or end.
    """
    anywhere = {
        "sql": "1 union select null, null",
        "nosql": '{"$where": "1"}',
        "shell": "$(cat /etc/passwd)",
        "path": "../../etc/passwd",
        "url": "http://127.0.0.1/",
        "html": "<script>x</script>",
        "template": "{{ 7*7 }}",
    }
    prose = "All work and no play makes a dull day, some say. " * 300

    assert [kind] == looks_like(f"{prose} {anywhere[kind]} {prose}", [kind])


def disguised(text: str) -> list[str]:
    """
    In other letters, percent-encoded once and twice, with invisible characters within.
    """
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    once = "".join(f"%{ord(c):02x}" for c in text)
    return [
        wide,
        once,
        once.replace("%", "%25"),
        "\u200b".join(text),
        "\0".join(text),
        text.upper(),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_trivial_disguises_do_not_help(kind: str) -> None:
    plain = {
        "sql": "' or 1=1--",
        "nosql": "$where",
        "shell": "; cat /etc/passwd",
        "path": "../../etc/passwd",
        "url": "http://127.0.0.1/",
        "html": "<script>",
        "template": "{{7*7}}",
    }
    assert [] == [way for way in disguised(plain[kind]) if not looks_like(way, [kind])]


FRAGMENTS = (
    *("'", '"', "or ", "(", "<", "<a ", "{{", "{", "${", "$(", "/", "..", "/*", "; ", "union "),
    *("union select ", "a", "1", "=", "%25", "\\", "&#x61;", " ", "\n", "http://", "javascript"),
    *("' or (", "'||", "/?", "@(", "[[", "::", "\ufdfa", "data:", "j a v a", "<iframe", "0x"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_makes_a_screen_slow(kind: str) -> None:
    """
    The longest text that is looked at, made of any part of an attack.
    """
    parts = {*FRAGMENTS, *(text[: len(text) // 2] for texts in ATTACKS.values() for text in texts)}
    for part in sorted(filter(None, parts)):
        text = (part * (MAXIMUM // len(part) + 1))[:MAXIMUM]
        begun = time.process_time()
        try:
            looks_like(text, [kind])
        except Unreadable:
            continue
        assert time.process_time() - begun < SLOWEST, part


@given(st.text(max_size=400))
def test_any_text_has_an_answer(text: str) -> None:
    assert set(looks_like(text, KINDS)) <= set(KINDS)


def test_a_text_too_long_is_not_called_harmless() -> None:
    """
    Nor one that becomes so when it is read as it may be read: one character of it is eighteen.
    """
    for text in ("a" * (MAXIMUM + 1), "\ufdfa" * (MAXIMUM // 4)):
        with pytest.raises(Unreadable):
            looks_like(text, ["sql"])
