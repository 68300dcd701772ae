"""
Where the operations of a document are: the URL that is called, and the one host that is granted
for it.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from toolcell_server.egress.names import normalised
from toolcell_server.egress.request_paths import path_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

_PORTS: Final = {"http": 80, "https": 443}


class NoServer(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a URL says not where operations are; says why, and the remedy.
    """


@dataclass(frozen=True, slots=True)
class Place:
    """
    A server: `path` is what stands before the path of each operation.  `credential` names the
    operator's, or is empty.
    """

    scheme: str
    host: str
    port: int
    path: str = ""
    credential: str = ""

    @classmethod
    def of(cls, url: str, credential: str = "") -> Self:
        """
        Raises:
            NoServer: it is no URL of a server; a credential would leave in clear.
        """
        remedy = "give base_url, as https://api.example.com/v1"
        if "{" in url:
            raise NoServer(f"the server {url!r:.120} has variables; {remedy}")
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError as exc:
            raise NoServer(f"the server {url!r:.120} is no URL ({exc}); {remedy}") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise NoServer(
                f"the server {url!r:.120} is not http:// or https:// and a host; {remedy}"
            )
        if parts.username is not None or parts.query or parts.fragment:
            raise NoServer(f"the server {url!r:.120} holds more than host, port and path; {remedy}")
        if credential and parts.scheme != "https":
            raise NoServer(
                f"a credential leaves over TLS only, and the server is {url!r:.120}; use https"
            )
        path = parts.path.rstrip("/")
        if path and (fault := path_fault(path)):
            raise NoServer(f"the path of the server {url!r:.120} {fault}; {remedy}")
        try:
            host = normalised(parts.hostname)
        except ValueError as exc:
            raise NoServer(f"the host of the server {url!r:.120} {exc}") from None
        return cls(parts.scheme, host, port, path, credential)

    @property
    def url(self) -> str:
        """
        What a cell calls.  With a credential that is plain HTTP: the relay adds it, and speaks TLS.
        """
        if self.credential:
            return f"http://{self.host}{self.path}"
        return f"{self.scheme}://{self.host}:{self.port}{self.path}"

    @property
    def seen(self) -> bool:
        """
        Whether the relay sees each request, and can hold a tool to its operation.
        """
        return bool(self.credential) or self.scheme == "http"

    def domain(self, method: str, path: str) -> str | dict[str, Any]:
        """
        The entry of a manifest's `domains` for an operation: the host, and as much of the request
        as the relay sees.
        """
        if not self.seen:
            return f"https://{self.host}:{self.port}"
        narrowed: dict[str, Any] = {"methods": [method]}
        if prefix := self._prefix(path):
            narrowed["path_prefixes"] = [prefix]
        if not self.credential:
            return {"domain": f"http://{self.host}:{self.port}", **narrowed}
        upstream = {} if self.port == _PORTS["https"] else {"upstream_port": self.port}
        entry = {"domain": f"http://{self.host}", "credential": self.credential}
        return {**entry, **narrowed, **upstream}

    def _prefix(self, path: str) -> str:
        """
        What every URL of an operation begins with; empty if that says nothing.
        """
        fixed = path.partition("{")[0] if "{" in path else path + "/"
        prefix = self.path + fixed[: fixed.rindex("/")]
        return "" if not prefix or path_fault(prefix) else prefix


def first_url(*holders: Mapping[str, Any]) -> str:
    """
    The first server of the first of these objects that names any: an operation, its path, the
    document.  Empty: the document's own address, which nobody knows.
    """
    for holder in holders:
        servers = holder.get("servers")
        if isinstance(servers, list) and servers:
            url = servers[0].get("url") if isinstance(servers[0], dict) else None
            return url if isinstance(url, str) else ""
    return ""
