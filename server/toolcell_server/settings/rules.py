"""
The list `[[rules]]`: what is forbidden, and what depends on arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server.rights.conditions import BadCondition, Condition
from toolcell_server.rights.rules import APPROVALS, THEN, Rule
from toolcell_server.settings import checks, shapes
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.selections import origins, selectors

if TYPE_CHECKING:
    from collections.abc import Mapping

_RULE: Final = (
    *("name", "tools", "roles", "when", "then"),
    *("otherwise", "approval", "message", "outside"),
)
_CONDITION: Final = ("argument", "is", "value")
_LONGEST_NAME: Final = 64
_LONGEST_MESSAGE: Final = 300
_MOST_CONDITIONS: Final = 32
_SILENT: Final = (
    "would tell a caller that a tool is there which is forbidden to him",
    "leave it out, or give the rule a condition",
)


def build(entries: Any) -> tuple[Rule, ...]:
    """
    The rules, in order.

    Raises:
        SettingsError: one cannot be used; names key, value and remedy.
    """
    found = shapes.tables("rules", entries, _RULE)
    rules = tuple(_rule(index, key, entry) for index, (key, entry) in enumerate(found, 1))
    shapes.unique("rules", [rule.name for rule in rules])
    return rules


def _rule(index: int, key: str, entry: Mapping[str, Any]) -> Rule:
    named = {"name": f"rule-{index}", **entry}
    if "then" not in entry:
        remedy = f'add then = "{THEN[1]}", or one of {", ".join(THEN)}'
        raise SettingsError("does not say what follows", remedy, key=key)
    checks.one_of(f"{key}.then", entry["then"], THEN)
    if "tools" not in entry:
        remedy = 'add tools = ["read_*"]; ["*"] is every tool'
        raise SettingsError("names no tools", remedy, key=key)
    for name in ("message", "otherwise"):
        checks.text(f"{key}.{name}", entry.get(name, ""))
    rule = Rule(
        name=shapes.name(key, named, _LONGEST_NAME),
        tools=selectors(f"{key}.tools", entry["tools"]),
        then=entry["then"],
        roles=frozenset(shapes.texts(f"{key}.roles", entry.get("roles", []))),
        when=_conditions(f"{key}.when", entry.get("when", [])),
        outside=origins(f"{key}.outside", entry.get("outside")),
        otherwise=entry.get("otherwise", ""),
        approval=entry.get("approval", APPROVALS[-1]),
        message=entry.get("message", ""),
    )
    _check_parts(key, entry, rule)
    return rule


def _check_parts(key: str, entry: Mapping[str, Any], rule: Rule) -> None:
    """
    What stands in a rule and does nothing there is a mistake of whoever wrote it.
    """
    if not rule.tools.texts:
        raise SettingsError("is empty", 'name tools; ["*"] is every one', key=f"{key}.tools")
    if (rule.then == "route") != bool(rule.otherwise):
        remedy = 'give otherwise = "other_tool" with then = "route", and with nothing else'
        raise SettingsError("otherwise and route belong together", remedy, key=key)
    if "approval" in entry:
        checks.one_of(f"{key}.approval", rule.approval, APPROVALS)
        if rule.then != "require_approval":
            remedy = 'leave it out, or write then = "require_approval"'
            raise SettingsError("demands nothing here", remedy, key=f"{key}.approval")
    if rule.outside is not None and rule.then == "allow":
        remedy = "give a role allowed_origins, or forbid what comes from outside"
        raise SettingsError("does not go with allow", remedy, key=f"{key}.outside")
    if len(rule.message) > _LONGEST_MESSAGE or not rule.message.isprintable():
        remedy = f"give at most {_LONGEST_MESSAGE} characters on one line"
        raise SettingsError("is no message", remedy, key=f"{key}.message")
    if rule.message and (rule.outright or rule.then == "require_approval"):
        what, remedy = _SILENT if rule.outright else ("is told to nobody", "leave it out")
        raise SettingsError(what, remedy, key=f"{key}.message")


def _conditions(key: str, value: Any) -> tuple[Condition, ...]:
    if not isinstance(value, list) or len(value) > _MOST_CONDITIONS:
        remedy = 'write it as [{ argument = "/path", is = "within_path", value = "/srv" }]'
        raise SettingsError(f"is no list of up to {_MOST_CONDITIONS} conditions", remedy, key=key)
    return tuple(_condition(at, entry) for at, entry in shapes.tables(key, value, _CONDITION))


def _condition(key: str, entry: Mapping[str, Any]) -> Condition:
    for name in ("argument", "is"):
        if name not in entry:
            raise SettingsError(f"has no {name}", f"add {name}", key=key)
        checks.text(f"{key}.{name}", entry[name])
    try:
        return Condition.build(entry["argument"], entry["is"], entry.get("value"))
    except BadCondition as exc:
        raise SettingsError(str(exc), "correct it", key=key) from None
