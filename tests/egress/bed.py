"""
A service with a way out, and everything that is out there: for the tests of the egress.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from running_server import Server, start_server
from toolcell_client import Client
from toolcell_server.battery.authority import Authority
from toolcell_server.battery.name_server import Names, serving_names
from toolcell_server.battery.sites import serving_site

from egress.upstream import PagedSite

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE = Path(__file__).parent / "bundle"
GRANTED, OTHER, PLAIN = "api.example.test", "other.example.test", "plain.example.test"
SETTINGS = """
[policy]
private_networks = [{private}]
denied_domains = ["denied.example.test"]

[egress]
resolver = ["{resolver}"]
ca_file = "{authority}"
{egress}

[limits.ceilings]
memory_bytes = 17_179_869_184  # address space, for Node.js

[[bundles]]
name = "reaching"
path = "{bundle}"
env = {{ {trusting}, SECURE_PORT = "{secure}" }}
{bundles}
"""

# Where clients look for the authorities that they trust.
TRUSTING = (
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
)


@dataclass(frozen=True, slots=True)
class Bed:
    """
    `secure` is a site over TLS under every name of ours, `plain` one without.
    """

    server: Server
    client: Client
    authority: Authority
    names: Names
    secure: PagedSite
    plain: PagedSite
    resolver: str

    def url(self, path: str = "/", host: str = GRANTED) -> str:
        return f"https://{host}:{self.secure.port}{path}"

    def plain_url(self, path: str = "/", host: str = PLAIN) -> str:
        return f"http://{host}:{self.plain.port}{path}"

    def egress(self) -> list[int]:
        """
        The processes of the egress: one, once a cell has needed it.
        """
        children = psutil.Process(self.server.process.pid).children(recursive=True)
        return [each.pid for each in children if "toolcell_server.egress" in each.cmdline()]


@contextlib.contextmanager
def made(
    folder: Path,
    egress: str = "",
    bundles: str = "",
    bundle: Path = BUNDLE,
    *,
    private: str = '"127.0.0.1/32"',
    names_of_secure: tuple[str, ...] = (GRANTED, OTHER, "*.example.test"),
) -> Iterator[Bed]:
    """
    Everything, in a folder of its own.  `private` are the networks that policy names,
    `names_of_secure` what the certificate of the site over TLS says.
    """
    own = folder / "bundle"
    shutil.copytree(bundle, own, ignore=shutil.ignore_patterns("__pycache__"))
    authority = Authority.make(folder)
    (own / "authority.pem").write_bytes(authority.certificate.read_bytes())
    names = Names({"denied.example.test": ("127.0.0.1",)})
    names.zone |= dict.fromkeys((GRANTED, OTHER, PLAIN), ("127.0.0.1",))
    with (
        serving_names(names) as resolver,
        serving_site(PagedSite, authority.issue(*names_of_secure)) as secure,
        serving_site(PagedSite) as plain,
        start_server(
            folder,
            SETTINGS.format(
                resolver=resolver,
                authority=authority.certificate,
                egress=egress,
                bundle=own,
                trusting=", ".join(f'{name} = "{own}/authority.pem"' for name in TRUSTING),
                bundles=bundles,
                private=private,
                secure=secure.port,
            ),
        ) as server,
        Client(server.target, timeout=60) as client,
    ):
        yield Bed(server, client, authority, names, secure, plain, resolver)
