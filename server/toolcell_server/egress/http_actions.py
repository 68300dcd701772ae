"""
What the HTTP gate wants of whoever does the input and output.  Pure values.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Head:
    """
    The head of one request, for the decision whether it is granted.

    `target` is what goes upstream, byte for byte: origin-form ("/a%2Fb?c") or "*".  It is neither
    decoded nor normalised; whoever grants paths must do so in the way of the strictest server.
    `host` is in lower case and without port; `port` is None where the client named none.
    `headers` are the client's, in their order.  They may hold secrets of the tool's: no repr.
    """

    method: str
    target: str
    host: str
    port: int | None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """
    Decide, then call `allow` or `refuse`.  Until then nothing of this request goes anywhere.
    """

    head: Head


@dataclass(frozen=True, slots=True)
class ToServer:
    """
    Write this to the server.  It may hold a credential: the repr says how much, not what.
    """

    data: bytes

    def __repr__(self) -> str:
        return f"ToServer({len(self.data)} bytes)"


@dataclass(frozen=True, slots=True)
class ToClient:
    """
    Write this to the client.
    """

    data: bytes

    def __repr__(self) -> str:
        return f"ToClient({len(self.data)} bytes)"


@dataclass(frozen=True, slots=True)
class Close:
    """
    End both connections once all before it is written; nothing follows.

    The client may still be sending.  To close with its bytes unread resets the connection and can
    destroy a refusal on its way: end the sending half first, and read on for a moment (RFC 9112
    section 9.6).
    """


Action = Ask | ToServer | ToClient | Close
