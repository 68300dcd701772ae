"""
Whether a text looks like SQL that leaves its quotes.  Pure.

It looks for what injections need and prose does not: comparisons that are always true, a second
statement, `union select` with columns, an end of a text with a comment behind it, and functions
that wait or read files.  "O'Brien", "select a chair" and "rock 'n' roll" have none of these.

Each expression is bounded: no repetition without a bound or within another one.
"""

from __future__ import annotations

import re
from typing import Final

_VERSIONED: Final = re.compile(r"/\*!\d{0,6}([^*]{0,200})\*/")
_COMMENT: Final = re.compile(r"/\*[^*]{0,200}\*/")
_BLANKS: Final = re.compile(r"[\s+]{1,64}")
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # or 1=1, and 1=2, or 'a'='a, or x=x
        (
            r"\b(?:or|and|xor|having|where)\b[ ('\"]{0,6}\d{1,9}['\")]{0,2} ?(?:=|<=>"
            r"|like) ?['\"(]{0,2}\d"
        ),
        r"\b(?:or|and|xor|having)\b[ (]{0,4}(['\"]?)(\w{1,32})\1 ?(?:=|like) ?(['\"]?)\2\b",
        r"\b(?:or|and|xor) ['\"]\w{0,32}['\"] ?(?:=|<>|like) ?['\"]",
        (
            r"['\"`)] ?\)?(?:or|and|xor|\|\||&&) ?[('\"]{0,3}[\w.]{0,32}[('\")]{0,3}"
            r" ?(?:=|<|>|!=|like ['\"(]|rlike|regexp|between \d|is (?:not )?null)"
        ),
        (
            r"['\"] ?\)? ?(?:or|and|xor|\|\||&&) ?\(?(?:true|false|not false|1|\d{1,6})\)? ?(?:--|#"
            r"|;|/\*|$)"
        ),
        r"['\"] ?(?:or|and) (?:not )?exists ?\(",
        # union select
        (
            r"\bunion (?:all |distinct )?\(? ?select\b ?(?:null|\d|@@|\*|'|\"|\(|char\b|concat"
            r"|chr\b|load_"
            r"|from\b|[\w.]{1,64} ?(?:,|\()|[\w.]{1,64} from\b)"
        ),
        # a second statement
        (
            r"; ?(?:drop (?:table|database|schema|view|user|index|procedure)|delete from"
            r"|insert into"
            r"|update [\w.]{1,64} set|alter (?:table|user|database)|truncate (?:table )?\w"
            r"|create (?:table|user|function|procedure|or replace)|grant \w{1,20} (?:on|to)"
            r"|exec(?:ute)? ?(?:xp_|sp_|\(|master|immediate|'|@)|declare @|shutdown ?(?:--|;|$"
            r"|with)"
            r"|waitfor |select (?:\*|pg_sleep|sleep|\d|@@|version|[\w.]{1,64} from)"
            r"|copy \w{1,64} (?:from|to))"
        ),
        (
            r"['\"`)] ?; ?(?:drop|delete|insert|update|alter|truncate|select|exec|shutdown|create"
            r"|set)\b"
        ),
        r"\b(?:or|and|xor) \d{1,9} ?[*+/-] ?\d{1,9} ?=",
        r"['\"`)] ?;? ?--[ -]{0,4}(?:$|\n)",
        r"['\")] ?(?:order|group) by \d{1,4}\b",
        r"\bprocedure analyse ?\(",
        # functions and places
        (
            r"(?:['\")(,;=|&]|\b(?:or|and|select|if|case|when|then|else|xor)) ?\(?"
            r"(?:select )?(?:sleep|pg_sleep|benchmark) ?\( ?[\d'\"]"
        ),
        r"\bwaitfor (?:delay|time) ?['\"]",
        (
            r"\b(?:extractvalue|updatexml|load_file|xp_cmdshell|xp_dirtree|sp_executesql"
            r"|sp_oacreate"
            r"|dbms_pipe\.receive_message|dbms_lock\.sleep|utl_http\.request|utl_inaddr\.get_host"
            r"|lo_import|pg_read_file|pg_ls_dir|randomblob|load_extension) ?\("
        ),
        r"\b(?:xp_cmdshell|xp_dirtree|xp_regread)\b ['\"]",
        r"\binto (?:out|dump)file ?['\"]",
        (
            r"\binformation_schema ?\. ?\w|\bfrom (?:sqlite_(?:master|schema)|pg_catalog\."
            r"|pg_shadow"
            r"|sysobjects|sys\.(?:tables|objects)|mysql\.user|all_tables|dual\b)"
        ),
        r"@@(?:version|datadir|hostname|basedir)\b",
        r"(?:['\"=<>,|+]|\b(?:or|and|in|exists)) ?\( ?select\b",
        r"'(?:\|\||\+) ?\(? ?(?:select|chr|char|utl_|dbms_|version|user)\b",
        r"\b(?:and|or) (?:ascii|substring|substr|mid|length|ord|char_length) ?\(",
    )
)
# The rest of the statement is cut off: speaks only where a quote has no partner.
_CUT: Final = re.compile(r"['\"`)] ?(?:--[ -]{0,8}|#|/\*[^*]{0,20})$")


def looks_like(text: str) -> bool:
    """
    Whether one reading of a text does.
    """
    return any(_fits(way) for way in _ways(text))


def _ways(text: str) -> list[str]:
    """
    With comments as blanks, and as nothing at all: `un/**/ion`.
    """
    if "/*" not in text:
        return [_BLANKS.sub(" ", text)]
    text = _VERSIONED.sub(r" \1 ", text)
    ways = (text, _COMMENT.sub(" ", text), _COMMENT.sub("", text))
    return [_BLANKS.sub(" ", way) for way in ways]


def _fits(text: str) -> bool:
    if any(pattern.search(text) for pattern in _PATTERNS):
        return True
    odd = any(text.count(quote) % 2 for quote in "'\"`")
    return odd and bool(_CUT.search(text))
