"""
A service with a way out, and everything that is out there: for the tests of the egress.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hosts import living
from running_server import LOCAL, Server, start, start_server
from toolcell_client import Client
from toolcell_server.battery.authority import Authority
from toolcell_server.battery.egresses import egresses
from toolcell_server.battery.name_server import Names, serving_names
from toolcell_server.battery.sites import serving_site

from egress.upstream import PagedSite

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE = Path(__file__).parent / "bundle"
GRANTED, OTHER, PLAIN = "api.example.test", "other.example.test", "plain.example.test"
SETTINGS = """
[policy]
minimum_isolation = "{level}"
private_networks = [{private}]
denied_domains = ["denied.example.test"]
{policy}

[egress]
resolver = ["{resolver}"]
ca_file = "{authority}"
{egress}

[limits.ceilings]
memory_bytes = 17_179_869_184  # address space, for Node.js

[[bundles]]
name = "reaching"
path = "{bundle}"
env = {{ {trusting}, PLAIN_PORT = "{plain}", SECURE_PORT = "{secure}" }}
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
        return egresses(self.server.process.pid)


@contextlib.contextmanager
def made(
    folder: Path,
    egress: str = "",
    bundles: str = "",
    bundle: Path = BUNDLE,
    *,
    server: str = "",
    policy: str = "",
    private: str = '"127.0.0.1/32"',
    host: str = "",
    names_of_secure: tuple[str, ...] = (GRANTED, OTHER, "*.example.test"),
) -> Iterator[Bed]:
    """
    Everything, in a folder of its own.  `server` are further lines of the service's settings,
    `policy` of its policy; `private` are the networks that policy names, `names_of_secure` what the
    certificate of the site over TLS says.  `host`: kinds of `hosts.poorer`, for a service that runs
    there.
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
        _serving(
            folder,
            host,
            SETTINGS.format(
                level="basic" if host else "strong",
                resolver=resolver,
                authority=authority.certificate,
                egress=egress,
                bundle=own,
                trusting=", ".join(f'{name} = "{own}/authority.pem"' for name in TRUSTING),
                bundles=bundles,
                policy=policy,
                private=private,
                plain=plain.port,
                secure=secure.port,
            ),
            server=server,
        ) as service,
        Client(service.target, timeout=60) as client,
    ):
        yield Bed(service, client, authority, names, secure, plain, resolver)


def _serving(folder: Path, host: str, settings: str, server: str) -> Server:
    if not host:
        return start_server(folder, settings, server=server)
    file = living.lay_open(folder) / "settings.toml"
    file.write_text(f"[server]\n{LOCAL}{server}\n{settings}")
    program = ("-m", "toolcell_server", "--settings", str(file))
    return start(living.command(host, *program), folder / "log")
