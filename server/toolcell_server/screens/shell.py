"""
Whether a text looks like a command for a shell.  Pure.

A separator alone is prose ("salt & pepper; to taste"), and so is the name of many a program ("cat",
"find").  Spoken of is a separator with a program behind it, and for words of the language only with
what a program would be given: an option, a path, a variable.
"""

from __future__ import annotations

import re
from typing import Final

_QUOTES: Final = re.compile(r"\\(?=[\w/])|''|\"\"|\$[@*!]|\$\d(?=\w)|(?<=\w)['\"](?=\w)")
_BLANKS: Final = re.compile(r"\$\{?ifs[^}\s]{0,16}\}?(?:\$\d)?|\$ifs\b(?:\$\d)?")
_CALL: Final = r"(?:[;&|`\n]|\$\(|[<>]\(|&&|\|\|)\s{0,8}"
_PROGRAM: Final = (
    r"(?:sudo\s{1,4})?(?:/(?:usr/)?(?:local/)?s?bin/)?(?:wget|curl|ncat|netcat|nslookup"
    r"|whoami|uname"
    r"|ifconfig|mkfifo|crontab|iptables|systemctl|chmod|chown|chroot|printenv|tcpdump|socat|telnet"
    r"|powershell|cmd\.exe|certutil|bitsadmin|mkfs|useradd|adduser|visudo|busybox|nohup|hostname)\b"
)
_WORD: Final = (
    r"(?:sudo\s{1,4})?(?:cat|more|less|head|tail|find|sort|kill|echo|touch|who|env|set|at|nice|time"
    r"|type|ping|host|dig|ls|ps|rm|mv|cp|dd|ln|id|pwd|tee|awk|sed|xargs|eval|exec|source|export|nc"
    r"|scp|ssh|ftp|tar|zip|bash|sh|zsh|ksh|dash|python[23]?|perl|ruby|node|php|lua|gcc|make|base64"
    r"|xxd|od|strings|sleep|passwd|su|mount|dir|del|copy|net|reg|start|shutdown|reboot|printf|mail)"
    r"\s{1,8}(?:-{1,2}[a-z]|/|~/|\.{1,2}/|\$|\*|<|>|\d{1,3}(?:$|[;&|\s)`])|\d{1,3}\.\d{1,3}\."
    r"|['\"][-/$]|\S{1,64}\.(?:sh|py|pl|rb|js|php|txt|conf|log|env|key|pem)\b)"
)
# Not before a single |: a table has columns.
_ALONE: Final = (
    r"(?:id|ls|ps|pwd|env|whoami|reboot|shutdown|bash|sh|dir|set)\s{0,8}(?:$|[;&`)#\n]|\|\|)"
)
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        _CALL + _PROGRAM,
        _CALL + _WORD,
        _CALL + _ALONE,
        _CALL + r"/(?:usr/)?s?bin/",
        r"\$\(\s{0,4}<",
        r"/dev/(?:tcp|udp)/",
        r"[<>]{1,2}\s{0,4}/(?:etc|tmp|dev|var|root|home|usr|proc|bin|opt)\b",
        r"\d?>&\s?\d\b.{0,40}$",
        r"\brm\s{1,8}-{1,2}[a-z-]{0,24}[rf]",
        r"/etc/(?:passwd|shadow|sudoers|crontab)\b",
        r"/bin/(?:ba|z|k|da|c)?sh\b",
        r":\s?\(\s?\)\s?\{|\(\)\s{0,4}\{\s{0,4}:",
        r"\{\w{1,16},[^{}\s]{0,64}[/-][^{}\s]{0,64}\}",
        r"/\?{2,8}/|/\?{1,8}\w{0,4}\?{0,4}/\?",
        (
            r"^--?(?:o?proxycommand|exec|checkpoint-action|upload-pack|use-askpass|post-file"
            r"|to-command"
            r"|upload-file|output-document|receive-pack|config|rsh|eval)\b"
        ),
        r"^-[a-z]{0,4}o?proxycommand=",
        r"\|\s{0,4}(?:ba|z|k|da)?sh\b\s{0,4}(?:$|-|[;&|])",
        r"\$'\\x[0-9a-f]{2}",
        r"\bbash\s{1,4}-[ci]\b",
        r"%(?:comspec|systemroot|windir|appdata)%",
    )
)


def looks_like(text: str) -> bool:
    """
    Whether one reading of a text does.
    """
    blank = _BLANKS.sub(" ", text)
    ways = {text, blank, _QUOTES.sub("", blank)}
    return blank != text or any(pattern.search(way) for way in ways for pattern in _PATTERNS)
