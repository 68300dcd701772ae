from __future__ import annotations

import json
from typing import Any

import pytest
from published import GALAXY, PETSTORE
from toolcell_server.registering.openapi import documents, yaml_reading
from toolcell_server.registering.openapi.documents import NotADocument

WHOLE = {"openapi": "3.1.0", "info": {"title": "a"}, "paths": {}}
YAML = b"openapi: 3.1.0\npaths: {}\n"


def read_yaml(text: str, nodes: int = 1000) -> Any:
    return yaml_reading.read(text.encode(), nodes, 32)


def test_published_documents_are_read_from_json_and_from_yaml() -> None:
    petstore, galaxy = (documents.read(path.read_bytes()) for path in (PETSTORE, GALAXY))

    assert documents.is_older(petstore)
    assert not documents.is_older(galaxy)
    assert "/pet/{petId}" in petstore["paths"]
    assert "/planets/{planetId}" in galaxy["paths"]


def test_yaml_means_what_the_same_json_means() -> None:
    """
    YAML 1.1 makes booleans of countries and dates of versions; statuses are keys, and keys texts.
    """
    text = "a: no\nb: 2024-01-01\nc: 0o17\nd: 017\ne: 1.50\nf: -3\ng: ~\nh: 'true'\n200: {i: true}"

    assert read_yaml(text) == {
        "a": "no",
        "b": "2024-01-01",
        "c": "0o17",
        "d": "017",
        "e": 1.5,
        "f": -3,
        "g": None,
        "h": "true",
        "200": {"i": True},
    }


def test_an_alias_stands_for_what_its_anchor_holds() -> None:
    assert read_yaml("a: &x [1, {b: c}]\nd: *x") == {"a": [1, {"b": "c"}], "d": [1, {"b": "c"}]}


REFUSED_YAML = {
    "an alias of itself": ("a: &x [*x]", "stands for itself"),
    "an alias of nothing": ("a: *x", "undefined alias|for nothing"),
    "a key twice": ("a: 1\na: 2", "there twice"),
    "a key that is a list": ("? [a]\n: 1", "no text"),
    "a tag": ("a: !!python/object/apply:os.system [id]", "tag"),
    "several documents": ("a: 1\n---\nb: 2", "several"),
    "nothing": ("", "empty"),
    "no YAML": ("a: [", "not YAML"),
    "more values than are read": ("[" + "a," * 1001 + "]", "more values"),
    "deeper than is read": ("[" * 40 + "]" * 40, "deeper"),
    "deeper than its parser goes": ("[" * 100_000, "not YAML"),
    "laughing a billion times": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n"
            for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "more values",
    ),
}


@pytest.mark.parametrize("sentence", REFUSED_YAML)
def test_yaml_is_refused_for(sentence: str) -> None:
    text, why = REFUSED_YAML[sentence]

    with pytest.raises(ValueError, match=why):
        read_yaml(text)


REFUSED = {
    "being too large": (b"{" + b" " * documents.MAXIMUM_BYTES, "at most"),
    "being no mapping": (b"- a", "neither"),
    "being of another version": (json.dumps({**WHOLE, "openapi": "4.0.0"}).encode(), "3.0 and 3.1"),
    "being of Swagger 2": (b'{"swagger": "2.0", "paths": {}}', "swagger 2.0"),
    "having a version that is a number": (b"openapi: 3.1\npaths: {}", "3.1"),
    "having no paths": (b'{"openapi": "3.1.0"}', "no table of paths"),
    "having a key twice": (b'{"openapi": "3.1.0", "openapi": "3.1.0"}', "twice"),
    "being too deep": (b'{"a":' + b"[" * 70 + b"]" * 70 + b"}", "deeper"),
    "having too many values": (b'{"a":[' + b"0," * documents.MAXIMUM_NODES + b"0]}", "values"),
    "not being UTF-8": (YAML + b"a: \xff", "UTF-8"),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_a_document_is_refused_for(sentence: str) -> None:
    data, why = REFUSED[sentence]

    with pytest.raises(NotADocument, match=why):
        documents.read(data)


def test_a_document_of_the_least_is_read() -> None:
    assert documents.read(json.dumps(WHOLE).encode()) == WHOLE
    assert documents.read(YAML) == {"openapi": "3.1.0", "paths": {}}
