from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published import GALAXY, PETSTORE
from toolcell_server import manifest
from toolcell_server.registering.openapi import documents, inputs, operations
from toolcell_server.registering.openapi.operations import Found, Operation, Wish
from toolcell_server.registering.openapi.servers import NoServer

BASE = "https://api.example.test/v1"


def found(paths: dict[str, Any], version: str = "3.1.0", **rest: Any) -> Found:
    wish = rest.pop("wish", Wish(base_url=BASE))
    document = {"openapi": version, "paths": paths, **rest}
    made = operations.found_in(document, wish)
    for operation in made.operations:
        manifest.parse(operation.manifest)
    return made


def one(operation: dict[str, Any], method: str = "get", path: str = "/a", **rest: Any) -> Operation:
    made = found({path: {method: operation}}, **rest)
    assert not made.skipped, made.skipped
    return made.operations[0]


def reason(operation: dict[str, Any], method: str = "get", path: str = "/a", **rest: Any) -> str:
    made = found({path: {method: operation}}, **rest)
    assert not made.operations
    return made.skipped[0].reason


def published(path: Any, **wish: Any) -> Found:
    made = operations.found_in(documents.read(path.read_bytes()), Wish(**wish))
    for operation in made.operations:
        manifest.parse(operation.manifest)
    return made


def query(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string"}, **more}


def body(schema: Any, kind: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"content": {kind: {"schema": schema}}, **more}


class TestPublishedDocuments:
    def test_every_operation_of_the_petstore_is_a_tool_but_the_one_that_uploads(self) -> None:
        made = published(PETSTORE)

        assert len(made.operations) == 19
        assert [each.own for each in made.skipped] == ["uploadFile"]
        assert "files cannot be uploaded" in made.skipped[0].reason

    def test_every_operation_of_the_galaxy_is_a_tool_but_the_one_that_uploads(self) -> None:
        made = published(GALAXY)

        assert len(made.operations) == 8
        assert [each.pointer for each in made.skipped] == [
            "/openapi/document/paths/~1planets~1{planetId}~1image/post"
        ]

    def test_the_only_grant_is_the_host_of_the_document(self) -> None:
        domains = {str(each.manifest["domains"]) for each in published(GALAXY).operations}

        assert domains == {"['https://galaxy.scalar.com:443']"}


class TestEffects:
    def test_they_are_those_of_the_method(self) -> None:
        responses: Any = {"responses": {"200": {}}}
        methods = ("get", "head", "post", "put", "patch", "delete")
        made = found({"/a": dict.fromkeys(methods, responses)}).operations

        assert [
            (e.payload["method"], e.manifest["effects"], e.manifest["idempotent"]) for e in made
        ] == [
            ("GET", "writes", True),
            ("PUT", "writes", True),
            ("POST", "writes", False),
            ("DELETE", "destructive", True),
            ("HEAD", "writes", True),
            ("PATCH", "writes", False),
        ]

    def test_get_only_reads_where_the_relay_sees_it_and_the_operator_trusts_the_host(self) -> None:
        """
        Within TLS nobody could hold the tool to it.
        """
        trusted: Any = {"safe": lambda host: host == "api.example.test"}
        wishes = {
            "over TLS": Wish(base_url=BASE, **trusted),
            "in clear": Wish(base_url="http://api.example.test", **trusted),
            "with a credential": Wish(base_url=BASE, credential="key", **trusted),
            "not trusted": Wish(base_url="http://other.example.test", **trusted),
        }

        assert {name: one({}, wish=wish).manifest["effects"] for name, wish in wishes.items()} == {
            "over TLS": "writes",
            "in clear": "read_only",
            "with a credential": "read_only",
            "not trusted": "writes",
        }


class TestPlaces:
    def test_the_relay_holds_a_tool_to_its_operation_where_it_sees_it(self) -> None:
        wish = Wish(base_url="http://api.example.test:8080/v1/")
        made = one({"parameters": [{"name": "b", "in": "path"}]}, path="/a/{b}/c", wish=wish)

        assert made.payload["url"] == "http://api.example.test:8080/v1"
        assert made.manifest["domains"] == [
            {
                "domain": "http://api.example.test:8080",
                "methods": ["GET"],
                "path_prefixes": ["/v1/a"],
            }
        ]

    def test_a_credential_is_added_by_the_relay_which_speaks_tls(self) -> None:
        made = one({}, wish=Wish(base_url="https://api.example.test:8443/v1", credential="key"))

        assert made.payload["url"] == "http://api.example.test/v1"
        assert made.manifest["domains"] == [
            {
                "domain": "http://api.example.test",
                "credential": "key",
                "methods": ["GET"],
                "path_prefixes": ["/v1/a"],
                "upstream_port": 8443,
            }
        ]

    def test_the_nearest_server_counts(self) -> None:
        near, far = ([{"url": f"https://{name}.test"}] for name in ("near", "far"))
        wish = Wish()
        made = found(
            {"/a": {"get": {"servers": near}, "put": {}}}, servers=far, wish=wish
        ).operations

        assert [each.payload["url"] for each in made] == [
            "https://near.test:443",
            "https://far.test:443",
        ]

    SERVERS: ClassVar[dict[str, str]] = {
        "a variable": "https://{region}.example.test",
        "a relative URL": "/v1",
        "nothing": "",
        "another scheme": "ftp://example.test",
        "a user": "https://a@example.test",
        "an address": "https://127.0.0.1",
        "a query": "https://example.test/?a=b",
        "a path that climbs": "https://example.test/a/../b",
    }

    @pytest.mark.parametrize("sentence", SERVERS)
    def test_an_operation_is_skipped_whose_server_has(self, sentence: str) -> None:
        servers = [{"url": self.SERVERS[sentence]}]

        assert "server" in reason({}, servers=servers, wish=Wish())

    def test_a_base_url_that_is_none_is_said_once(self) -> None:
        with pytest.raises(NoServer, match="base_url"):
            found({"/a": {"get": {}}}, wish=Wish(base_url="nowhere"))
        with pytest.raises(NoServer, match="TLS"):
            found({}, wish=Wish(base_url="http://a.test", credential="key"))


class TestArguments:
    def test_clashing_names_have_their_place_before_them(self) -> None:
        operation = {
            "parameters": [
                {"name": "id", "in": "header"},
                query("id"),
                {"name": "id", "in": "path"},
                {"name": "id", "in": "cookie"},
            ],
            "requestBody": body({"properties": {"id": {}, "header_id": {}, "own": {}}}),
        }
        made = one(operation, "post", "/a/{id}")

        names = ["id", "query_id", "header_id", "cookie_id", "body_id", "body_header_id", "own"]
        assert list(made.manifest["parameters"]["properties"]) == names
        assert made.payload["body"]["fields"] == {
            "body_id": "id",
            "body_header_id": "header_id",
            "own": "own",
        }

    def test_an_argument_has_a_name_that_a_model_may_use(self) -> None:
        made = one({"parameters": [query("filter[name]"), query("filter.name")]})

        assert list(made.manifest["parameters"]["properties"]) == ["filter_name_", "filter.name"]
        assert made.payload["parameters"][0]["name"] == "filter[name]"

    def test_parameters_of_the_path_are_those_of_each_operation(self) -> None:
        shared = [query("a", required=True), query("b", description="far")]
        item = {"parameters": shared, "get": {"parameters": [query("b", description="near")]}}
        parameters = found({"/x": item}).operations[0].manifest["parameters"]

        assert parameters["required"] == ["a"]
        assert parameters["properties"]["b"]["description"] == "near"

    def test_a_body_that_is_no_plain_object_is_one_argument(self) -> None:
        schemas: tuple[Any, ...] = (
            {"type": "array"},
            {"oneOf": [{}]},
            {"type": "object", "additionalProperties": {}},
        )
        for schema in schemas:
            made = one({"requestBody": body(schema, required=True)}, "post")

            assert made.manifest["parameters"]["required"] == ["body"]
            assert made.payload["body"]["argument"] == "body"

    def test_an_optional_body_of_required_fields_is_one_argument(self) -> None:
        """
        A flat schema cannot say "all of these or none".
        """
        schema = {"properties": {"a": {}}, "required": ["a"]}
        optional = one({"requestBody": body(schema)}, "post")
        required = one({"requestBody": body(schema, required=True)}, "post")

        assert list(optional.manifest["parameters"]["properties"]) == ["body"]
        assert required.manifest["parameters"]["required"] == ["a"]

    def test_objects_that_are_all_of_others_are_flat_as_well(self) -> None:
        schema = {
            "allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}}]
        }
        parameters = one({"requestBody": body(schema, required=True)}, "post").manifest[
            "parameters"
        ]

        assert (["a", "b"], ["a"]) == (list(parameters["properties"]), parameters["required"])

    def test_headers_that_are_written_anyway_are_no_arguments(self) -> None:
        names = ("Authorization", "accept", "Content-Type", "Host", "X-Own")
        made = one({"parameters": [{"name": name, "in": "header"} for name in names]})

        assert list(made.manifest["parameters"]["properties"]) == ["X-Own"]


class TestReturns:
    JSON: ClassVar[dict[str, Any]] = {
        "content": {"application/json": {"schema": {"type": "integer"}}}
    }

    def test_a_success_that_is_json_is_the_result(self) -> None:
        made = one({"responses": {"200": self.JSON, "404": {}, "default": {}}})

        assert ("body", {"type": "integer"}) == (made.payload["answer"], made.manifest["returns"])

    def test_several_successes_are_any_of_them(self) -> None:
        other = {"content": {"application/vnd.a+json": {"schema": {"type": "string"}}}}
        made = one({"responses": {"200": self.JSON, "201": other, "202": self.JSON}})

        assert made.manifest["returns"] == {"anyOf": [{"type": "integer"}, {"type": "string"}]}

    @pytest.mark.parametrize(
        "responses",
        [
            {},
            {"204": {}},
            {"200": JSON, "204": {}},
            {"default": JSON},
            {"200": {"content": {"text/xml": {}}}},
        ],
    )
    def test_any_other_success_is_told_whole(self, responses: Any) -> None:
        assert one({"responses": responses}).payload["answer"] == "response"

    def test_a_result_whose_schema_is_too_large_has_none(self) -> None:
        wide: Any = {"properties": {f"p{n}": {} for n in range(3000)}}
        made = one({"responses": {"200": {"content": {"application/json": {"schema": wide}}}}})

        assert made.payload["answer"] == "body"
        assert "returns" not in made.manifest


class TestSkipped:
    OPERATIONS: ClassVar[dict[str, tuple[dict[str, Any], str, str]]] = {
        "uploads": ({"requestBody": body({}, "multipart/form-data")}, "post", "uploaded"),
        "sends XML": ({"requestBody": body({}, "application/xml")}, "post", "only JSON"),
        "sends nothing that is named": ({"requestBody": {"content": {}}}, "post", "sends nothing"),
        "traces": ({}, "trace", "TRACE is not called"),
        "refers to another document": (
            {"parameters": [{"$ref": "a.yaml#/b"}]},
            "get",
            "out of the",
        ),
        "has a parameter in nowhere": (
            {"parameters": [query("a", **{"in": "body"})]},
            "get",
            "is in",
        ),
        "has a style that is not written": (
            {"parameters": [query("a", style="matrix")]},
            "get",
            "style",
        ),
        "has a schema that loops": (
            {"parameters": [{"$ref": "#/paths/~1a/get/parameters/0"}]},
            "get",
            "end",
        ),
    }

    @pytest.mark.parametrize("sentence", OPERATIONS)
    def test_an_operation_is_that(self, sentence: str) -> None:
        operation, method, why = self.OPERATIONS[sentence]

        assert why in reason(operation, method)

    def test_a_path_without_its_parameter_is(self) -> None:
        assert "{b}" in reason({}, path="/a/{b}")

    def test_the_others_are_none_the_worse(self) -> None:
        made = found({"/a": {"get": {}, "trace": {}}, "/b": {"$ref": "b.yaml"}, "x-c": {}})

        assert [each.own for each in made.operations] == ["get /a"]


class TestNames:
    def test_they_fit_and_are_unique(self) -> None:
        ids = ("list pets", "list-pets", "list_pets", "1st", "x" * 80, "x" * 90, "ß")
        made = found({f"/{n}": {"get": {"operationId": each}} for n, each in enumerate(ids)})

        names = [each.manifest["name"] for each in made.operations]
        assert names == [
            "list_pets",
            "list-pets",
            "list_pets_2",
            "_1st",
            "x" * 64,
            f"{'x' * 62}_2",
            "operation",
        ]

    def test_a_prefix_stands_before_them(self) -> None:
        assert one({}, wish=Wish(base_url=BASE, prefix="pets_")).manifest["name"] == "pets_get_a"

    def test_only_what_is_wanted_is_made(self) -> None:
        wish = Wish(base_url=BASE, wanted=lambda own: own == "b")
        made = found({"/a": {"get": {"operationId": "a"}, "put": {"operationId": "b"}}}, wish=wish)

        assert [each.own for each in made.operations] == ["b"]


def test_descriptions_are_bounded_and_hold_no_control_characters() -> None:
    made = one(
        {"summary": "Get a.", "description": "Long\x1b[31m" + "x" * 2000, "tags": ["t" * 99]}
    )

    assert made.manifest["title"] == "Get a"
    assert made.manifest["description"].startswith("Get a. Long [31mx")
    assert (1000, 64) == (len(made.manifest["description"]), len(made.manifest["tags"][0]))


def test_an_operation_without_a_word_says_what_it_is() -> None:
    assert one({}).manifest["description"] == "GET /a"


def test_more_operations_than_are_read_are_refused() -> None:
    many = {f"/{n}": {"get": {"operationId": str(n)}} for n in range(operations.MAXIMUM + 1)}

    with pytest.raises(documents.NotADocument, match="name fewer"):
        found(many)
    assert 2 == len(
        found(many, wish=Wish(base_url=BASE, wanted={"1", "250"}.__contains__)).operations
    )


def test_schemas_that_are_too_many_together_cost_the_last_operations() -> None:
    schema = {"properties": {f"p{n}": {"type": "string"} for n in range(900)}}
    post = {"post": {"requestBody": body(schema, required=True)}}
    made = operations.found_in(
        {"openapi": "3.1.0", "paths": {f"/{n}": post for n in range(100)}}, Wish(base_url=BASE)
    )

    assert (66, 34) == (len(made.operations), len(made.skipped))
    assert "name fewer" in made.skipped[0].reason


def _values(holder: Any) -> list[Any]:
    return list(holder.values()) if isinstance(holder, dict) else list(holder)


class TestMalformed:
    SAID: ClassVar[list[Any]] = [
        None,
        True,
        5,
        "text",
        [],
        [5],
        {},
        {"a": 5},
        {"$ref": "#/paths"},
        {"": []},
    ]

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(st.data())
    def test_whatever_stands_in_a_document_it_gives_tools_or_reasons(
        self, data: st.DataObject
    ) -> None:
        """
        One value of a published document, anywhere, is another.
        """
        document = json.loads(PETSTORE.read_bytes())
        holder: Any = document
        for _ in range(data.draw(st.integers(0, 9))):
            below = [each for each in _values(holder) if isinstance(each, dict | list) and each]
            holder = data.draw(st.sampled_from(below)) if below else holder
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        holder[data.draw(st.sampled_from(keys))] = data.draw(st.sampled_from(self.SAID))
        try:
            read = documents.read(json.dumps(document).encode())
            made = operations.found_in(read, Wish(base_url=BASE))
        except documents.NotADocument:
            return
        assert all(each.reason for each in made.skipped)


class Counted(str):
    """
    Counts how often it is compared.
    """

    __slots__ = ()
    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)


class TestBombs:
    """
    Operations may share what is large, so a small document can be as much work as a huge one.
    """

    def test_fields_are_not_looked_for_one_by_one_among_those_that_must_be_there(self) -> None:
        required = [Counted(f"r{number}") for number in range(1000)]
        fields: dict[str, Any] = {f"f{number}": {} for number in range(100)}
        schema = {"type": "object", "properties": fields, "required": required}
        one({"requestBody": body(schema, required=True)}, "post")

        assert 10_000 > Counted.compared

    def test_an_operation_has_a_number_of_parameters(self) -> None:
        shared = {"$ref": "#/components/parameters/p"}
        parameters = [shared] * (inputs.MAXIMUM_PARAMETERS + 1)
        components = {"parameters": {"p": query("p")}}

        assert "more than 500 parameters" in reason(
            {"parameters": parameters}, components=components
        )
        assert one({"parameters": parameters[1:]}, components=components)  # the control

    def test_a_reference_is_not_as_long_as_the_document(self) -> None:
        name = "n" * 2000
        components = {"parameters": {name: query("p")}}
        parameters = [{"$ref": f"#/components/parameters/{name}"}]

        assert "more than 1024 characters" in reason(
            {"parameters": parameters}, components=components
        )

    def test_a_document_that_takes_too_long_is_none(self) -> None:
        document = {"openapi": "3.1.0", "paths": {"/a": {"get": {}}}}

        assert operations.found_in(document, Wish(base_url=BASE)).operations  # the control
        with pytest.raises(documents.NotADocument, match="too long"):
            operations.found_in(document, Wish(base_url=BASE), iter((0.0, 60.0)).__next__)
