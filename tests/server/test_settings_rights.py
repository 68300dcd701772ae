"""
The settings of rights and hooks: what they give, and what is said about what cannot be used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toolcell_server import settings
from toolcell_server.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_server.settings import Settings


def read(folder: Path, text: str) -> Settings:
    path = folder / "toolcell.toml"
    path.write_text(text, encoding="utf-8")
    return settings.read(str(path), {})


def test_every_key_reaches_its_value(tmp_path: Path) -> None:
    """
    A key that is read and then dropped would be a right that nobody has, or everybody.
    """
    found = read(
        tmp_path,
        f"""
        [rights]
        anonymous_roles = ["guest"]
        [[roles]]
        name = "guest"
        tools = ["read_*", "category:text"]
        scopes = ["web", "toolcell:approve"]
        allowed_origins = ["10.0.0.0/8", "unix"]
        [[rules]]
        name = "small"
        tools = ["pay"]
        roles = ["guest"]
        when = [{{ argument = "/amount", is = "greater", value = 10 }}]
        then = "route"
        otherwise = "ask"
        message = "ask people"
        outside = ["10.1.0.0/16"]
        [[rules]]
        tools = ["*"]
        then = "require_approval"
        approval = "confirm"
        [[middleware]]
        module = "hooks:late"
        at = "after_execution"
        tools = ["pay"]
        order = 5
        timeout_seconds = 0.25
        path = "{tmp_path}"
        [[middleware]]
        module = "hooks:early"
        at = "before_admission"
        """,
    )
    guest = found.rights.roles[0]
    small, every = found.rights.rules
    early, late = found.middleware

    assert found.rights.anonymous_roles == {"guest"}
    assert guest.granted == {"web", "toolcell:approve", "tools:read_*", "tools:category:text"}
    assert guest.holds_at("unix:/x")
    assert not guest.holds_at("ipv4:11.0.0.1:1")
    assert (small.name, small.then, small.otherwise) == ("small", "route", "ask")
    assert (set(small.roles), small.message) == ({"guest"}, "ask people")
    assert small.outside
    assert (every.name, every.approval) == ("rule-2", "confirm")
    assert (early.where, early.order, early.timeout_seconds) == ("hooks:early", 0, 0.5)
    assert (late.where, late.timeout_seconds, late.path) == ("hooks:late", 0.25, str(tmp_path))


ROLE = '[[roles]]\nname = "a"\n'
RULE = '[[rules]]\ntools = ["*"]\n'
HOOK = '[[middleware]]\nmodule = "a:b"\nat = "before_admission"\n'


def when(condition: str) -> str:
    return f'{RULE}then = "deny"\nwhen = [{{ {condition} }}]\n'


COMPLAINTS: dict[str, tuple[str, str]] = {
    "a role without a name": ('[[roles]]\ntools = ["*"]', "roles[0]: has no name"),
    "a role twice": (ROLE * 2, 'roles.name = "a": is given twice'),
    "a role with an unknown key": (ROLE + 'tool = ["*"]', "roles[0].tool: is not a setting"),
    "a role of no tools": (ROLE + 'tools = ["a b"]', "roles[0].tools: 'a b' selects no tools"),
    "tools that are no list": (ROLE + 'tools = "read"', "roles[0].tools"),
    "a scope with a space": (ROLE + 'scopes = ["a b"]', "roles[0].scopes"),
    "a network with bits of a host": (
        ROLE + 'allowed_origins = ["10.0.0.1/8"]',
        "roles[0].allowed_origins: '10.0.0.1/8' is no network",
    ),
    "no networks at all": (ROLE + "allowed_origins = []", "roles[0].allowed_origins: is empty"),
    "an anonymous role that is none": (
        '[rights]\nanonymous_roles = ["x"]',
        'rights.anonymous_roles = "x": is no role',
    ),
    "a rule for a role that is none": (
        f'{ROLE}{RULE}then = "deny"\nroles = ["b"]',
        'rules[0].roles = "b": is no role; make it with [[roles]], or name one of these: a',
    ),
    "a rule for no tools": ('[[rules]]\nthen = "deny"', "rules[0]: names no tools"),
    "a rule for an empty list": ('[[rules]]\ntools = []\nthen = "deny"', "rules[0].tools"),
    "a rule without a consequence": (RULE, "rules[0]: does not say what follows"),
    "a rule with another": (RULE + 'then = "permit"', "rules[0].then"),
    "a route to nowhere": (RULE + 'then = "route"', "otherwise and route belong together"),
    "a way without a route": (
        RULE + 'then = "deny"\notherwise = "x"',
        "otherwise and route belong together",
    ),
    "an approval that nobody demands": (
        RULE + 'then = "deny"\napproval = "confirm"',
        "rules[0].approval: demands nothing here",
    ),
    "an approval of another kind": (
        RULE + 'then = "require_approval"\napproval = "maybe"',
        "rules[0].approval",
    ),
    "a message to who must not know": (
        RULE + 'then = "deny"\nmessage = "no"',
        "rules[0].message: would tell a caller that a tool is there",
    ),
    "a message of two lines": (
        when('argument = "/a", is = "present"') + 'message = "a\\nb"',
        "rules[0].message: is no message",
    ),
    "an allow for the outside": (
        RULE + 'then = "allow"\noutside = ["10.0.0.0/8"]',
        "rules[0].outside: does not go with allow",
    ),
    "a name twice": (
        (RULE + 'then = "deny"\nname = "x"\n') * 2,
        'rules.name = "x": is given twice',
    ),
    "a condition without a test": (when('argument = "/a"'), "rules[0].when[0]: has no is"),
    "a condition with another key": (
        when('argument = "/a", is = "equals", values = 1'),
        "rules[0].when[0].values: is not a setting; did you mean value?",
    ),
    "an unknown test": (when('argument = "/a", is = "like"'), "is = 'like' is unknown"),
    "a pointer that is none": (
        when('argument = "a", is = "present"'),
        "a JSON pointer is empty or begins with /",
    ),
    "a pointer with a stray ~": (when('argument = "/~a", is = "present"'), "is written ~0"),
    "a bound that is no number": (
        when('argument = "/a", is = "greater", value = "5"'),
        "'/a' greater: give a number",
    ),
    "a bound that is not a number": (
        when('argument = "/a", is = "greater", value = nan'),
        "'/a' greater: give a number",
    ),
    "a range upside down": (
        when('argument = "/a", is = "in_range", value = [5, 1]'),
        "the first number is the lower one",
    ),
    "an empty set": (when('argument = "/a", is = "in_set", value = []'), "a list of 1 to 1000"),
    "a date": (
        when('argument = "/a", is = "equals", value = 2020-01-01'),
        "give a text, a number, true, false",
    ),
    "an equal without a value": (when('argument = "/a", is = "equals"'), "give a text, a number"),
    "a relative path": (
        when('argument = "/a", is = "within_path", value = "srv"'),
        "give an absolute path without ..",
    ),
    "a path with ..": (
        when('argument = "/a", is = "within_path", value = "/srv/.."'),
        "give an absolute path without ..",
    ),
    "a pattern that goes back": (
        when('argument = "/a", is = "matches", value = "(a)\\\\1"'),
        "is not supported",
    ),
    "a hook without a name": ('[[middleware]]\nmodule = "a"', "middleware[0].module"),
    "a hook nowhere": ('[[middleware]]\nmodule = "a:b"', "middleware[0].at"),
    "a hook that takes for ever": (HOOK + "timeout_seconds = 60", "middleware[0].timeout_seconds"),
    "a hook in a folder that is none": (HOOK + 'path = "/no/such"', "middleware[0].path"),
    "a hook of a package in a folder": (
        HOOK.replace("a:b", "a.b:c") + 'path = "/usr"',
        'middleware[0].module = "a.b:c": is not in a folder',
    ),
    "hooks without number": (HOOK * 33, "middleware: are more than 32"),
}


@pytest.mark.parametrize("sentence", COMPLAINTS)
def test_a_complaint_names_key_value_and_remedy(sentence: str, tmp_path: Path) -> None:
    """
    A policy that cannot be read must not be half of one: the server does not start.
    """
    text, told = COMPLAINTS[sentence]
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    message = str(caught.value)

    assert message.startswith(f"the file {tmp_path}")
    assert told in message
    assert "\n" not in message


def test_a_folder_of_hooks_that_everybody_can_write_is_refused(tmp_path: Path) -> None:
    """
    Whoever can write there is the server.
    """
    open_to_all = tmp_path / "hooks"
    open_to_all.mkdir()
    text = f'{HOOK}path = "{open_to_all}"'
    assert read(tmp_path, text).middleware

    open_to_all.chmod(0o777)
    with pytest.raises(SettingsError, match="can be written by everybody"):
        read(tmp_path, text)
