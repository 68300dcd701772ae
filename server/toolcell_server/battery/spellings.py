"""
Ways to write a host that is not the granted one, or that nobody could have approved.  Pure.
"""

from __future__ import annotations

from typing import Final

# Whatever inet_aton(3) and inet_pton(3) take for 127.0.0.1 and ::1, as in a URL.
ADDRESSES: Final = (
    *("127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "127.1", "0"),
    *("[::1]", "[::ffff:127.0.0.1]", "[::1%lo]", "[::1%25lo]", "127.0.0.1.", "0x7f.1."),
)
# URLs that two readers would take to two hosts, or that name none.
AMBIGUOUS: Final = {
    "a user name before an @": "http://{granted}@{other}:{port}/",
    "a password before an @": "http://{granted}:80@{other}:{port}/",
    "a backslash": "http://{other}:{port}\\@{granted}/",
    "a backslash in the host": "http://{granted}\\.{other}:{port}/",
    "a tab": "http://{gra}\t{nted}:{port}/",
    "a line end": "http://{granted}:{port}/\r\nHost: {other}",
    "a line end in the host": "http://{granted}\r\n.{other}:{port}/",
    "a null byte": "http://{granted}\x00.{other}:{port}/",
    "a null byte in the path": "http://{granted}:{port}/\x00",
    "a percent sign": "http://{gra}%2e{nted}:{port}/",
    "a blank": "http://{granted} .{other}:{port}/",
    "a question mark after the host": "http://{granted}?@{other}:{port}/",
    "a number sign after the host": "http://{granted}#@{other}:{port}/",
    "a full-width letter": "http://\uff41pi.{below}:{port}/",
    "an ideographic full stop": "http://api\u3002{below}:{port}/",
    "a soft hyphen": "http://a\u00adpi.{below}:{port}/",
    "the Kelvin sign": "http://\u212aey.{below}:{port}/",
    "Punycode of nothing": "http://xn--a.{below}:{port}/",
    "Punycode of ASCII": "http://xn--api-.{below}:{port}/",
    "two dots": "http://api..{below}:{port}/",
    "two dots at the end": "http://{granted}..:{port}/",
    "a star": "http://*.{below}:{port}/",
    "port zero": "http://{granted}:0/",
    "a port too high": "http://{granted}:99999/",
    "a list of ports": "http://{granted}:80,443/",
    "a port of name servers": "http://{granted}:53/",
    "another scheme": "file://{granted}/etc/passwd",
    "no scheme": "{granted}:{port}",
}


def written(template: str, granted: str, other: str, port: int) -> str:
    """
    An ambiguous URL for these hosts.
    """
    below = granted.partition(".")[2]
    parts = {"gra": granted[:3], "nted": granted[3:], "below": below}
    return template.format(granted=granted, other=other, port=port, **parts)


def look_alikes(granted: str) -> tuple[str, ...]:
    """
    Names that are not the granted one, nor below it by anybody's leave.
    """
    first, _, below = granted.partition(".")
    last = granted.rpartition(".")[2]
    return (
        *(f"evil-{granted}", f"evil{granted}", f"{granted}.evil.{last}", f"{granted}.{last}"),
        *(f"sub.{granted}", below, last, granted[:-1], granted[1:]),
        *(f"{first}-{below}", f"xn--pi-uia.{below}", f"_{granted}"),
    )
