"""
Client certificates: whose they are, by the kinds of their names.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from certifying import Authority
from cryptography import x509
from toolcell_server import settings
from toolcell_server.authentication.certificates import Certificates, kind_of
from toolcell_server.authentication.failure import Kind, NotAuthentic
from toolcell_server.authentication.verified import as_is

if TYPE_CHECKING:
    from pathlib import Path

URI, DNS, MAIL = x509.UniformResourceIdentifier, x509.DNSName, x509.RFC822Name
LISTED = """
[[auth.certificates]]
san = "spiffe://mesh/agent"
name = "agent"
roles = ["caller"]
[[auth.certificates]]
san = "Worker.example.com"
name = "worker"
"""


def found(folder: Path, text: str, *names: x509.GeneralName, clock: float = 0) -> str:
    authority = Authority(folder)
    papers = authority.server()
    path = folder / "toolcell.toml"
    path.write_text(
        f'[server.tls]\ncertificate = "{papers.certificate}"\nkey = "{papers.key}"\n'
        f'client_ca = "{authority.ca}"\n{text}'
    )
    auth = settings.read(str(path)).auth
    certificates = Certificates(auth, as_is, lambda: clock or time.time())
    pem = authority.sign("client", names).certificate.read_bytes()
    verified = certificates.find({"x509_pem_cert": [pem]})
    assert verified
    return verified.principal.name


def refusal(folder: Path, text: str, *names: x509.GeneralName, clock: float = 0) -> Kind:
    with pytest.raises(NotAuthentic) as refused:
        found(folder, text, *names, clock=clock)
    return refused.value.kind


def test_a_listed_name_is_its_principal(tmp_path: Path) -> None:
    """
    The positive control; DNS names are the same in either case.
    """
    assert found(tmp_path, LISTED, URI("spiffe://mesh/agent")) == "agent"
    assert found(tmp_path, LISTED, DNS("x.example"), DNS("WORKER.example.com")) == "worker"


@pytest.mark.parametrize(
    "names",
    [
        pytest.param((), id="no name but the subject's"),
        pytest.param((URI("spiffe://mesh/other"),), id="another"),
        pytest.param((URI("spiffe://mesh/AGENT"),), id="a path in capitals"),
        pytest.param((DNS("spiffe://mesh/agent"),), id="a URI as a DNS name"),
        pytest.param((URI("spiffe://mesh/agent"), DNS("worker.example.com")), id="two principals"),
        pytest.param((DNS("*.example.com"),), id="a wildcard"),
    ],
)
def test_nobody(names: tuple[x509.GeneralName, ...], tmp_path: Path) -> None:
    """
    A name of another kind that looks like it is another name.
    """
    assert Kind.CERTIFICATE == refusal(tmp_path, LISTED, *names)


def test_the_one_name_of_a_kind_may_be_the_principal(tmp_path: Path) -> None:
    """
    Where an authority signs only what is true, nobody needs a list.
    """
    text = '[auth]\ncertificate_names = "dns"\n'

    assert found(tmp_path, text, DNS("A.example"), MAIL("a@b.example")) == "a.example"
    assert Kind.CERTIFICATE == refusal(tmp_path, text, DNS("a.example"), DNS("b.example"))
    assert Kind.CERTIFICATE == refusal(tmp_path, text, DNS("*.example"))
    assert Kind.CERTIFICATE == refusal(tmp_path, text, MAIL("a@b.example"))


def test_a_certificate_ends_during_a_connection(tmp_path: Path) -> None:
    """
    TLS looks at the dates once; connections live for days.
    """
    name = URI("spiffe://mesh/agent")

    assert Kind.EXPIRED == refusal(tmp_path, LISTED, name, clock=time.time() + 2 * 86400)


def test_kinds_are_seen_by_shape() -> None:
    """
    One key in the settings, three kinds of names.
    """
    names = ("spiffe://a/b@c", "a@b.example", "a.example")

    assert ["uri", "email", "dns"] == [kind_of(name) for name in names]
