"""
The built-in tool `http_request`, in a real cell, through the real egress.

It is the same file, in a bundle of its own: what trusts the authority of a test is an environment
that the built-in bundle does not have, and a file that only a bundle's own cells see.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_client.errors import InvalidArguments, NotPermitted
from toolcell_server.battery.addresses import free_port
from toolcell_worker import tools

from egress.bed import OTHER, Bed, made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client import Result

TOOLS = Path(tools.__file__).parent


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    folder = tmp_path_factory.mktemp("bed")
    folder.chmod(0o755)
    with made(folder, bundles="[builtin]\nenabled = false", bundle=TOOLS) as one:
        yield one


def answer(bed: Bed, url: str, **arguments: Any) -> dict[str, Any]:
    result = bed.client.run("http_request", {"url": url, **arguments})
    assert "completed" == result.label, result.outcome
    value: dict[str, Any] = result.value
    return value


def failure(bed: Bed, url: str, **arguments: Any) -> tuple[Result, str]:
    result = bed.client.run("http_request", {"url": url, **arguments})
    assert "failed" == result.label, result.value
    assert result.outcome.hint
    return result, result.outcome.failed.code


def denied(result: Result) -> list[str]:
    """
    What the egress denied; the C library asks for a cache of names as well, in vain.
    """
    return [each.reason for each in result.denials if each.wall == pb.WALL_NETWORK]


def test_a_site_is_fetched_over_tls_under_its_name(bed: Bed) -> None:
    """
    The certificate is checked in the cell; the relay only passes the bytes on.
    """
    found = answer(bed, bed.url("/hello?a=1"))

    assert (200, "text", "GET /hello?a=1") == (found["status"], found["encoding"], found["body"])
    assert ["text/plain"] == found["headers"]["content-type"]
    assert (len(found["body"]), False) == (found["size"], found["truncated"])


def test_bodies_come_as_what_they_are(bed: Bed) -> None:
    """
    A model reads values and text; bytes it can pass on.
    """
    bodies = {path: answer(bed, bed.url(path)) for path in ("/json", "/binary", "/latin")}

    assert {
        "/json": ("json", {"answer": [42, None]}),
        "/binary": ("base64", "iVBORwD/"),
        "/latin": ("text", "Größe"),
    } == {path: (found["encoding"], found["body"]) for path, found in bodies.items()}


def test_a_body_is_sent_as_text_or_as_json(bed: Bed) -> None:
    """
    With the type that says so, and with the headers of the caller.
    """
    text = answer(bed, bed.url("/a"), method="POST", body="héllo", headers={"X-Own": "1"})
    sent = bed.secure.seen[-1][2]
    json = answer(bed, bed.url("/b"), method="PATCH", json={"a": [1]})

    assert "POST /a héllo" == text["body"]
    assert ("1", "text/plain; charset=utf-8") == (sent["X-Own"], sent["Content-Type"])
    assert 'PATCH /b {"a":[1]}' == json["body"]
    assert "application/json" == bed.secure.seen[-1][2]["Content-Type"]


def test_a_status_that_is_an_error_is_a_result(bed: Bed) -> None:
    """
    The host was reached, and its words say more than ours could.
    """
    found = answer(bed, bed.url("/missing"))

    assert (404, "nothing here") == (found["status"], found["body"])


def test_a_redirect_is_not_followed(bed: Bed) -> None:
    """
    Where it leads was not granted by this call; another call may ask for it.
    """
    before = len(bed.secure.seen)
    target = bed.url("/secret", OTHER)
    found = answer(bed, bed.url(f"/redirect/{target}"))

    assert (302, target, 1) == (found["status"], found["location"], len(bed.secure.seen) - before)
    assert "call again" in found["hint"]


def test_a_long_body_is_cut_and_said(bed: Bed) -> None:
    """
    Its size is what the server says, so that a model knows what it has not seen.
    """
    found = answer(bed, bed.url("/bytes/5000"), max_bytes=100)

    assert ("x" * 100, True, 5000) == (found["body"], found["truncated"], found["size"])


def test_the_longest_body_fits_into_a_result_whatever_is_in_it(bed: Bed) -> None:
    """
    JSON makes six characters of one that cannot be shown.
    """
    found = answer(bed, bed.url("/quotes"), max_bytes=2**21)

    assert ("\1" * 2**21, False) == (found["body"], found["truncated"])


def test_a_head_has_a_size_and_no_body(bed: Bed) -> None:
    """
    That is what it is for.
    """
    found = answer(bed, bed.url("/bytes/5000"), method="HEAD")

    assert ("", False, 5000) == (found["body"], found["truncated"], found["size"])


def test_a_host_that_policy_denies_is_refused(bed: Bed) -> None:
    """
    Before anything runs.
    """
    with pytest.raises(NotPermitted, match="denied by the operator") as refused:
        bed.client.run("http_request", {"url": bed.url(host="denied.example.test")})

    assert "DOMAIN_NOT_ALLOWED" == refused.value.reason


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "https://api.example.test@evil.test/", "ftp://a.example.test/"]
)
def test_a_url_that_names_no_host_is_refused(bed: Bed, url: str) -> None:
    """
    An address is no name, and what two readers read in two ways is refused.
    """
    with pytest.raises(InvalidArguments, match="/url"):
        bed.client.run("http_request", {"url": url})


def test_a_certificate_of_another_name_is_not_trusted(bed: Bed) -> None:
    """
    A relay that could be taken for the host would be one that reads everything.
    """
    bed.names.zone["a.b.example.test"] = ("127.0.0.1",)

    assert "TLS_NOT_TRUSTED" == failure(bed, bed.url(host="a.b.example.test"))[1]


def test_tls_that_a_plain_site_answers_fails(bed: Bed) -> None:
    """
    The commonest mistake with a port.
    """
    url = bed.plain_url().replace("http:", "https:")

    assert "TLS_FAILED" == failure(bed, url)[1]


def test_a_port_that_nobody_listens_on_is_no_denial(bed: Bed) -> None:
    """
    Whoever reads denials must find none where the host alone was at fault.
    """
    result, code = failure(bed, f"https://api.example.test:{free_port()}/")

    assert ("CONNECTION_FAILED", []) == (code, denied(result))


def test_a_header_with_a_line_end_is_not_sent(bed: Bed) -> None:
    """
    It would be a header, or a request, of somebody else's choice.
    """
    before = len(bed.secure.seen)

    assert "BAD_HEADER" == failure(bed, bed.url(), headers={"X": "1\r\nX-Other: 2"})[1]
    assert before == len(bed.secure.seen)


def test_a_private_address_is_denied_and_the_reason_is_told(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """
    A public name that leads into the operator's network is the oldest trick of all.
    """
    folder = tmp_path_factory.mktemp("private")
    folder.chmod(0o755)
    alone = "[builtin]\nenabled = false"
    with made(folder, bundles=alone, bundle=TOOLS, private="") as bed:
        result, code = failure(bed, bed.url())
        plain = bed.client.run("http_request", {"url": bed.plain_url()})

    assert "CONNECTION_FAILED" == code
    assert "denial" in result.outcome.hint
    assert ["address_loopback"] == denied(result)
    assert (403, ["address_loopback"]) == (plain.value["status"], denied(plain))
    assert "denials" in plain.value["hint"]
    assert [] == bed.secure.seen + bed.plain.seen
