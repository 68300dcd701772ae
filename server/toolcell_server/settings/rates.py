"""
The list `[[rates]]`: how often, how much at once and how much in a day, for whom.
"""

from __future__ import annotations

import re
from typing import Any, Final

from toolcell_server.rates import notation
from toolcell_server.rates.rules import PER, Rule
from toolcell_server.rights.selectors import REMEDY, NotASelector, Selectors
from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.names import check_known

MOST_RULES: Final = 100  # arbitrary; each call looks at all that are about its tool
_LONGEST_WORD: Final = 255
_BUDGETS: Final = ("cpu_seconds_per_day", "egress_bytes_per_day")
_LIMITS: Final = (*notation.KEYS, "concurrency", *_BUDGETS)
_KEYS: Final = ("name", "principal", "tools", "per", *_LIMITS)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}")
_MOST_CPU_SECONDS: Final = 10**9


def build(entries: Any) -> tuple[Rule, ...]:
    """
    The rules of the list `[[rates]]`.

    Raises:
        SettingsError: one cannot be used, or two are about the same.
    """
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SettingsError(
            "is no list of tables", "write each as [[rates]]", key="rates", value=entries
        )
    if len(entries) > MOST_RULES:
        raise SettingsError("has too many rules", f"give at most {MOST_RULES}", key="rates")
    rules = tuple(_one(f"rates[{index}]", entry) for index, entry in enumerate(entries))
    seen: dict[str, int] = {}
    for index, rule in enumerate(rules):
        if (first := seen.setdefault(rule.identity, index)) != index:
            raise SettingsError(
                f"is about the same principals and tools, per the same, as rates[{first}]",
                "write both limits into one of them",
                key=f"rates[{index}]",
            )
    return rules


def _one(key: str, entry: dict[str, Any]) -> Rule:
    for name in entry:
        check_known(f"{key}.{name}", name, _KEYS)
    if not set(entry) & set(_LIMITS):
        remedy = f"give at least one of {', '.join(_LIMITS)}"
        raise SettingsError("limits nothing", remedy, key=key)
    per = entry.get("per", "principal")
    checks.one_of(f"{key}.per", per, PER)
    return Rule(
        name=_name(key, entry.get("name", "")),
        principal=_word(f"{key}.principal", entry.get("principal", "*")),
        tools=_tools(f"{key}.tools", entry.get("tools", ["*"])),
        per=per,
        **_limits(key, entry),
    )


def _limits(key: str, entry: dict[str, Any]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = {"calls": notation.windows(entry)}
        for name in ("concurrency", "egress_bytes_per_day"):
            if name in entry:
                found[name] = notation.count(name, entry[name])
    except notation.NotARate as exc:
        where = f"{key}.{exc.key}"
        raise SettingsError(exc.what, "correct it", key=where, value=exc.value) from None
    if "calls" in entry and not found["calls"]:
        raise SettingsError("is empty", "leave it out, or give a rate", key=f"{key}.calls")
    if "cpu_seconds_per_day" in entry:
        value = found["cpu_seconds_per_day"] = entry["cpu_seconds_per_day"]
        where = f"{key}.cpu_seconds_per_day"
        checks.number(where, value, 0.001, _MOST_CPU_SECONDS, whole=False)
    return found


def _name(key: str, value: Any) -> str:
    checks.text(f"{key}.name", value)
    if value and not _NAME.fullmatch(value):
        remedy = "use letters, digits, spaces and _ . -, at most 64; callers read it"
        raise SettingsError("is no name for a rule", remedy, key=f"{key}.name", value=value)
    return value or key


def _word(key: str, value: Any) -> str:
    checks.text(key, value)
    if not value.removeprefix("role:") or len(value) > _LONGEST_WORD or not value.isprintable():
        remedy = 'give "*", a name, "role:…" or "anonymous"'
        raise SettingsError("is no principal", remedy, key=key, value=value)
    return str(value)


def _tools(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise SettingsError("is no list of tools", f"in a list, {REMEDY}", key=key, value=value)
    for index, word in enumerate(value):
        checks.text(f"{key}[{index}]", word)
        try:
            Selectors.parse([word])
        except NotASelector:
            where = f"{key}[{index}]"
            raise SettingsError("is no tool", REMEDY, key=where, value=word) from None
    return tuple(value)
