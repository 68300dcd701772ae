"""
Names that every provider takes, for tools and properties whose own names some refuse.  Pure.

Theory of operation.  One name that a provider does not like makes it refuse the whole request.  A
reversible encoding would make names that no model reads well, and cannot shorten; so the alias is
the name with `_` for what is not allowed, and a map leads back.  Where two names would become one,
or a name is cut, a few digits of its own digest follow.  An alias depends on the set of names and
not on their order, so that the same tools have the same aliases in every process.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from toolcell_client.formats.limits import NAME, NAME_CHARACTERS, PROPERTY, PROPERTY_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

SUFFIX_DIGITS = range(6, 65)  # of SHA-256 in hexadecimal; more than the first only if those meet


def tool_aliases(names: Collection[str], given: Mapping[str, str]) -> dict[str, str]:
    """
    The alias of each tool; `given` are those that somebody chose.

    Raises:
        ValueError: a given alias is of no tool, is not portable, or is there twice.
    """
    _check(names, given)
    rest = [each for each in names if each not in given]
    made = _made(rest, NAME, NAME_CHARACTERS, r"[^a-zA-Z0-9_-]", set(given.values()))
    return {each: given.get(each) or made[each] for each in names}


def property_aliases(names: Collection[str]) -> dict[str, str]:
    """
    The aliases of those properties whose names are not portable, and of no others.
    """
    made = _made(names, PROPERTY, PROPERTY_CHARACTERS, r"[^a-zA-Z0-9_]", set())
    return {name: alias for name, alias in made.items() if name != alias}


def _check(names: Collection[str], given: Mapping[str, str]) -> None:
    owners: dict[str, str] = {}
    for name, alias in given.items():
        if name not in names:
            raise ValueError(f"{alias!r} is given as the name of {name!r}, and no tool is that")
        if not NAME.fullmatch(alias):
            raise ValueError(
                f"{alias!r}, given for {name}, is no name that every provider takes: write up to"
                f" {NAME_CHARACTERS} letters, digits, _ and -, no digit or - first"
            )
        if alias in owners:
            raise ValueError(f"{owners[alias]} and {name} are both given the name {alias!r}")
        owners[alias] = name


def _made(
    names: Collection[str], rule: re.Pattern[str], length: int, wrong: str, taken: set[str]
) -> dict[str, str]:
    """
    Names that are right stay, unless they are taken; the others get what is left.
    """
    right = {each for each in names if rule.fullmatch(each) and each not in taken}
    taken = taken | right
    rest = sorted(set(names) - right)
    cleaned = {each: _cleaned(each, wrong) for each in rest}
    alone = [
        each
        for each, alias in cleaned.items()
        if len(alias) <= length and alias not in taken and _count(cleaned, alias) == 1
    ]
    made = {each: each for each in right} | {each: cleaned[each] for each in alone}
    others = [each for each in rest if each not in made]
    return made | _suffixed(others, cleaned, length, taken | set(made.values()))


def _suffixed(
    names: list[str], cleaned: Mapping[str, str], length: int, taken: set[str]
) -> dict[str, str]:
    for made in _candidates(names, cleaned, length):
        if len(set(made.values())) == len(made) and taken.isdisjoint(made.values()):
            return made
    raise ValueError(f"no alias is left for {names[0]!r:.80}; rename it")


def _candidates(
    names: list[str], cleaned: Mapping[str, str], length: int
) -> Iterator[dict[str, str]]:
    for digits in SUFFIX_DIGITS[: length - 8]:
        yield {
            each: f"{cleaned[each][: length - digits - 1]}_{_digest(each)[:digits]}"
            for each in names
        }


def _count(cleaned: Mapping[str, str], alias: str) -> int:
    return sum(each == alias for each in cleaned.values())


def _cleaned(name: str, wrong: str) -> str:
    alias = re.sub(wrong, "_", name) or "_"
    return alias if re.match(r"[a-zA-Z_]", alias) else f"_{alias}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
