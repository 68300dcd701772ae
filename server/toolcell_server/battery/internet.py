"""
All the internet that a battery needs: a name server and web sites, on the loopback of this host.

Theory of operation.  Policy names 127.0.0.1 as a private network, so that names which lead there
can be granted; every other address of this host stays refused, and is where canaries listen.  The
name server is the only one that the service asks.  Both count whatever reaches them: a name that
was asked for although it was not granted, and a request for a host or a page that nobody may get,
are seen here, whatever the hostile code says of them.

The site over TLS, to which the service adds a credential, needs a certificate, and the program
`openssl` to make one.  Without it there is no such site, and `secure` says so.
"""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING, Final

from toolcell_server.battery.addresses import LOOPBACK
from toolcell_server.battery.authority import Authority
from toolcell_server.battery.name_server import Names, serving_names
from toolcell_server.battery.oracles import MOST
from toolcell_server.battery.sites import Site, serving_site
from toolcell_server.egress.http_secrets import Secret
from toolcell_server.settings.egress import CredentialSettings, EgressSettings

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

DOMAIN: Final = "battery.test"  # RFC 6761: nobody's, anywhere
GRANTED, OTHER, KEYED, MISPLACED, BELOW, DENIED = (
    f"{first}.{DOMAIN}"
    for first in ("api", "other", "keyed", "misplaced", "any.below", "denied.below")
)
PRIVATE: Final = (f"{LOOPBACK}/32",)
HEADER: Final = "X-Battery-Key"
FORBIDDEN: Final = "/smuggled"  # no page that anybody may get begins like this
PREFIX: Final = "TOOLCELL_BATTERY_"


class Internet:
    """
    Serves from when it is made until it is closed.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        with contextlib.ExitStack() as opened:
            self.names = Names()
            self.resolver = opened.enter_context(serving_names(self.names))
            self.plain = opened.enter_context(serving_site(Site))
            self.secure: Site | None = None
            self.authority: Authority | None = None
            if shutil.which("openssl"):
                self.authority = Authority.make(folder)
                certificate = self.authority.issue(KEYED, MISPLACED)
                self.secure = opened.enter_context(serving_site(Site, certificate))
            self._opened = opened.pop_all()
        self.forget()

    def close(self) -> None:
        self._opened.close()

    def url(self, path: str = "/", host: str = GRANTED, port: int = 0) -> str:
        """
        Of a page of the plain site, unless it is another port's.
        """
        return f"http://{host}:{port or self.plain.port}{path}"

    def forget(self) -> None:
        """
        As if nobody had come yet, and with no name but our own.
        """
        self.names.zone = dict.fromkeys(
            (GRANTED, OTHER, KEYED, MISPLACED, BELOW, DENIED), (LOOPBACK,)
        )
        self.names.later = {}
        self.names.asked.clear()
        for site in filter(None, (self.plain, self.secure)):
            site.forget()

    def strangers(self, granted: Collection[str]) -> list[str]:
        """
        A sentence for each name that was asked for, and each request that came, without a grant.
        """
        asked = [f"was asked for: {name}" for name in self.names.asked if name not in granted]
        came = [
            f"was reached: {method} {path} of {host}"
            for site in filter(None, (self.plain, self.secure))
            for method, path, headers in site.seen
            if (host := headers.get("Host", "").partition(":")[0]) not in granted
            or (FORBIDDEN in path and not path.startswith("/redirect/"))
        ]
        return [*list(dict.fromkeys(asked))[:MOST], *list(dict.fromkeys(came))[:MOST]]

    def visited(self, path: str = "/granted") -> bool:
        """
        Whether a page of the plain site was had.
        """
        return any(path == seen for _, seen, _ in self.plain.seen)

    def heard(self) -> str:
        """
        Everything that came to where no secret may.
        """
        return "\n".join([*map(str, self.plain.seen), *self.names.asked])

    def settings(self, secret: str) -> EgressSettings:
        """
        How the service reaches it; `secret` is what it adds to requests.
        """
        if self.authority is None:
            return EgressSettings(resolver=(self.resolver,))
        key = CredentialSettings("battery", HEADER, (KEYED,), Secret(secret))
        ca_file = str(self.authority.certificate)
        return EgressSettings(resolver=(self.resolver,), ca_file=ca_file, credentials=(key,))

    def environment(self) -> dict[str, str]:
        """
        What the battery's bundle is told of it.
        """
        secure = self.secure.port if self.secure else 443
        ports = {"PLAIN_PORT": self.plain.port, "SECURE_PORT": secure}
        return {f"{PREFIX}{name}": str(port) for name, port in ports.items()}
