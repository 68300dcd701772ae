"""
requests without a network, and lxml.
"""

from __future__ import annotations

import io
import tempfile
from typing import Any

import certifi
import requests
from lxml import etree, html
from toolcell_worker import tool
from urllib3 import HTTPResponse


class _Canned(requests.adapters.BaseAdapter):
    """
    Answers from memory: what a session does around a connection is the same.
    """

    def send(self, request: Any, *_: Any, **__: Any) -> Any:
        body = f'{{"path": "{request.path_url}", "n": [1, 2, 3]}}'.encode()
        raw = HTTPResponse(
            body=io.BytesIO(body),
            headers={"Content-Type": "application/json", "Set-Cookie": "seen=1"},
            status=200,
            preload_content=False,
        )
        return requests.adapters.HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        pass


@tool(effects="read_only")
def requests_offline() -> Any:
    """
    Requests prepared, and answers parsed; the trusted certificates are loaded.
    """
    prepared = requests.Request(
        "POST",
        "https://пример.example/a b?x=ä",
        params={"q": "1 2", "r": ["3", "4"]},
        data={"field": "välue"},
        auth=("user", "word"),
        cookies={"a": "b"},
    ).prepare()
    form = requests.Request("POST", "http://x.example", files={"f": ("n.txt", b"text")}).prepare()
    with requests.Session() as session:
        session.mount("mock://", _Canned())
        answer = session.get("mock://host/path?query=1", timeout=5)
        cookies = session.cookies.get_dict()
    from ssl import create_default_context

    trusted = len(create_default_context(cafile=certifi.where()).get_ca_certs()) > 50
    return [
        prepared.url,
        dict(prepared.headers),
        prepared.body,
        len(str(form.body or "")),
        answer.json(),
        answer.encoding,
        cookies,
        trusted,
    ]


@tool(effects="read_only")
def lxml_documents() -> Any:
    """
    XML and HTML parsed, searched, validated, transformed and written.
    """
    root = etree.Element("trees")
    for number in range(500):
        child = etree.SubElement(root, "tree", id=str(number), kind="elm" if number % 3 else "ash")
        child.text = f"height {number / 7:.3f}"
    schema = etree.XMLSchema(
        etree.XML(
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="trees"/>'
            "</xs:schema>"
        )
    )
    style = etree.XSLT(
        etree.XML(
            '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
            '<xsl:template match="/"><n><xsl:value-of select="count(//tree[@kind=\'ash\'])"/></n>'
            "</xsl:template></xsl:stylesheet>"
        )
    )
    with tempfile.NamedTemporaryFile(suffix=".xml") as file:
        etree.ElementTree(root).write(file.name, encoding="utf-8", compression=5)
        read = etree.parse(file.name)
        read.write(file.name)
        steps = sum(1 for _, each in etree.iterparse(file.name) if each.tag == "tree")
    page = html.fromstring("<p>one<br>two <a href='/x'>link</a><p>three")
    page.make_links_absolute("http://host.example/")
    return [
        str(read.xpath("string(//tree[@id='42'])")),
        len(read.xpath("//tree[@kind='ash']")),
        steps,
        schema.validate(read),
        str(style(read)),
        [link[2] for link in page.iterlinks()],
        str(page.text_content()),
    ]
