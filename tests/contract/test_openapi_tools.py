"""
Published OpenAPI documents as tools of a real service: each operation, over real HTTP.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from published import GALAXY, PETSTORE
from running_server import Server, start_server
from toolcell.v1 import registry_pb2 as pb
from toolcell.v1.registry_pb2_grpc import ToolRegistryServiceStub
from toolcell_client import Client
from toolcell_server.battery.authority import Authority
from toolcell_server.battery.name_server import Names, serving_names
from toolcell_server.battery.sites import Page, Site, serving_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from toolcell_client import Result

PETS, PLANETS = "petstore.example.test", "galaxy.example.test"
SECRET = "a-secret-that-nobody-sees"
SETTINGS = """
[policy]
minimum_isolation = "strong"
private_networks = ["127.0.0.1/32"]
safe_domains = ["{pets}"]

[egress]
resolver = ["{resolver}"]
ca_file = "{authority}"

[[egress.credentials]]
name = "galaxy"
header = "Authorization"
prefix = "Bearer "
file = "{key}"
hosts = ["{planets}"]

[registry]
enabled = true

[[registry.openapi]]
name = "petstore"
prefix = ""
file = "{petstore}"
base_url = "http://{pets}:{pets_port}/v2"
exclude = ["deleteOrder"]
manifest = {{ tags = ["shop"] }}

[[registry.openapi]]
name = "galaxy"
file = "{galaxy}"
base_url = "https://{planets}:{planets_port}"
credential = "galaxy"
"""
PET = {"id": 1, "name": "Rex", "photoUrls": ["u"], "status": "sold"}
PLANET = {"id": 1, "name": "Mars"}
# What the sites say, by method and path.
ANSWERS: dict[str, Any] = {
    "GET /v2/pet/findByStatus": [PET],
    "GET /v2/pet/findByTags": [PET],
    "GET /v2/pet/1": PET,
    "GET /v2/store/inventory": {"sold": 3},
    "POST /v2/store/order": {"id": 7, "complete": True},
    "GET /v2/store/order/7": {"id": 7},
    "GET /v2/user/login": "a session",
    "GET /v2/user/ann": {"username": "ann"},
    "GET /v2/pet/2": "no pet at all",
    "GET /planets": {"data": [PLANET], "meta": {"total": 1}},
    "POST /planets": PLANET,
    "GET /planets/1": PLANET,
    "PUT /planets/1": PLANET,
    "POST /user/signup": {"id": 1, "name": "ann", "email": "a@b.test"},
    "POST /auth/token": {"token": "t"},
    "GET /me": {"id": 1, "email": "a@b.test"},
}
STATUSES = {"POST /planets": 201, "POST /user/signup": 201, "POST /auth/token": 201}


class _Page(Page):
    """
    Answers as a published API does; `/v2/pet/9STATUS` has that status.
    """

    server: Recording

    def do_GET(self) -> None:  # noqa: N802  # a name of http.server
        body = self.read()
        self.server.bodies.append(body.decode())
        asked = f"{self.command} {self.path.partition('?')[0]}"
        if failing := re.fullmatch(r"/v2/pet/9(\d{3})", self.path):
            self.answer(b'{"message": "so it is"}', "application/json", int(failing[1]))
        elif asked in ANSWERS:
            answer = json.dumps(ANSWERS[asked]).encode()
            self.answer(answer, "application/json", STATUSES.get(asked, 200))
        elif self.command == "DELETE" and self.path.startswith("/planets"):
            self.answer(b"", status=204)
        else:
            self.answer(b"done")

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815  # names of http.server


class Recording(Site):
    """
    Remembers bodies, too.
    """

    def __init__(self) -> None:
        super().__init__(_Page)
        self.bodies: list[str] = []


class Bed:
    """
    A service and the sites that its tools call.
    """

    def __init__(self, server: Server, pets: Recording, planets: Recording) -> None:
        self.server, self.pets, self.planets = server, pets, planets
        self.client = Client(server.target, timeout=60)

    def asked(self, tool: str, **arguments: Any) -> tuple[Any, str, str, dict[str, str]]:
        """
        The result, and what the site was asked: request line, body, headers.
        """
        site = self.planets if tool.startswith("galaxy_") else self.pets
        result = self.client.run(tool, arguments)
        assert result.label == "completed", result.outcome
        method, path, headers = site.seen[-1]
        return result.value, f"{method} {path}", site.bodies[-1], headers

    def failure(self, tool: str, **arguments: Any) -> Result:
        result = self.client.run(tool, arguments)
        assert result.label == "failed", result.value
        return result


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    folder = tmp_path_factory.mktemp("openapi")
    authority = Authority.make(folder)
    (folder / "key").write_text(SECRET)
    zone: dict[str, tuple[str, ...]] = dict.fromkeys((PETS, PLANETS), ("127.0.0.1",))
    with (
        serving_names(Names(zone)) as resolver,
        serving_site(Recording) as pets,
        serving_site(Recording, authority.issue(PLANETS)) as planets,
        start_server(folder, _settings(folder, resolver, authority, pets, planets)) as server,
    ):
        made = Bed(server, pets, planets)
        with made.client:
            yield made


def _settings(
    folder: Path, resolver: str, authority: Authority, pets: Recording, planets: Recording
) -> str:
    return SETTINGS.format(
        pets=PETS,
        pets_port=pets.port,
        planets=PLANETS,
        planets_port=planets.port,
        resolver=resolver,
        authority=authority.certificate,
        key=folder / "key",
        petstore=PETSTORE,
        galaxy=GALAXY,
    )


DONE = {"status": 200, "encoding": "text", "body": "done"}
NEW_PET = {"name": "Rex", "photoUrls": ["u"]}
# Tool, arguments, result, request, body.
CALLS: list[tuple[str, dict[str, Any], Any, str, Any]] = [
    ("addPet", NEW_PET, DONE, "POST /v2/pet", NEW_PET),
    (
        "updatePet",
        {**NEW_PET, "status": "sold"},
        DONE,
        "PUT /v2/pet",
        {**NEW_PET, "status": "sold"},
    ),
    (
        "findPetsByStatus",
        {"status": ["sold", "pending"]},
        [PET],
        "GET /v2/pet/findByStatus?status=sold&status=pending",
        "",
    ),
    (
        "findPetsByTags",
        {"tags": ["a&b", "c"]},
        [PET],
        "GET /v2/pet/findByTags?tags=a%26b&tags=c",
        "",
    ),
    ("getPetById", {"petId": 1}, PET, "GET /v2/pet/1", ""),
    (
        "updatePetWithForm",
        {"petId": 3, "name": "R&D", "status": "sold"},
        DONE,
        "POST /v2/pet/3",
        "name=R%26D&status=sold",
    ),
    ("deletePet", {"petId": 4, "api_key": "k"}, DONE, "DELETE /v2/pet/4", ""),
    ("getInventory", {}, {"sold": 3}, "GET /v2/store/inventory", ""),
    (
        "placeOrder",
        {"petId": 1, "quantity": 2},
        {"id": 7, "complete": True},
        "POST /v2/store/order",
        {"petId": 1, "quantity": 2},
    ),
    ("getOrderById", {"orderId": 7}, {"id": 7}, "GET /v2/store/order/7", ""),
    ("createUser", {"username": "ann"}, DONE, "POST /v2/user", {"username": "ann"}),
    (
        "createUsersWithArrayInput",
        {"body": [{"id": 1}]},
        DONE,
        "POST /v2/user/createWithArray",
        [{"id": 1}],
    ),
    ("createUsersWithListInput", {"body": []}, DONE, "POST /v2/user/createWithList", []),
    (
        "loginUser",
        {"username": "ann", "password": "p w"},
        "a session",
        "GET /v2/user/login?username=ann&password=p%20w",
        "",
    ),
    ("logoutUser", {}, DONE, "GET /v2/user/logout", ""),
    ("getUserByName", {"username": "ann"}, {"username": "ann"}, "GET /v2/user/ann", ""),
    (
        "updateUser",
        {"username": "ann", "body_username": "eve"},
        DONE,
        "PUT /v2/user/ann",
        {"username": "eve"},
    ),
    ("deleteUser", {"username": "ä b"}, DONE, "DELETE /v2/user/%C3%A4%20b", ""),
    ("galaxy_getAllData", {"limit": 5}, ANSWERS["GET /planets"], "GET /planets?limit=5", ""),
    ("galaxy_createPlanet", {"body": {"name": "Mars"}}, PLANET, "POST /planets", {"name": "Mars"}),
    ("galaxy_getPlanet", {"planetId": 1}, PLANET, "GET /planets/1", ""),
    (
        "galaxy_updatePlanet",
        {"planetId": 1, "body": {"name": "M"}},
        PLANET,
        "PUT /planets/1",
        {"name": "M"},
    ),
    (
        "galaxy_deletePlanet",
        {"planetId": 1},
        {"status": 204, "encoding": "text", "body": ""},
        "DELETE /planets/1",
        "",
    ),
    (
        "galaxy_createUser",
        {"body": {"name": "ann", "email": "a@b.test", "password": "p"}},
        ANSWERS["POST /user/signup"],
        "POST /user/signup",
        {"name": "ann", "email": "a@b.test", "password": "p"},
    ),
    (
        "galaxy_getToken",
        {"body": {"email": "a@b.test", "password": "p"}},
        {"token": "t"},
        "POST /auth/token",
        {"email": "a@b.test", "password": "p"},
    ),
    ("galaxy_getMe", {}, ANSWERS["GET /me"], "GET /me", ""),
]


@pytest.mark.parametrize("case", CALLS, ids=[case[0] for case in CALLS])
def test_an_operation_is_called_as_its_document_says(bed: Bed, case: Any) -> None:
    tool, arguments, expected, request, sent = case

    value, line, body, _ = bed.asked(tool, **arguments)

    assert line == request
    assert (body if isinstance(sent, str) else json.loads(body)) == sent
    if isinstance(value, dict) and "headers" in value:
        value.pop("headers")
    assert value == expected


def test_every_operation_that_is_a_tool_has_been_called(bed: Bed) -> None:
    bundles = {tool.name for tool in bed.client.list_tools() if tool.bundle == "registered"}

    assert bundles == {case[0] for case in CALLS}


def test_headers_are_sent_and_those_of_a_response_told(bed: Bed) -> None:
    value, _, _, headers = bed.asked("deletePet", petId=1, api_key="k")

    assert headers["api_key"] == "k"
    assert value["headers"]["content-type"] == "text/plain"


def test_the_operators_credential_is_sent_and_no_cell_knows_it(bed: Bed) -> None:
    _, _, _, headers = bed.asked("galaxy_getMe")
    bed.asked("getInventory")

    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert "Authorization" not in bed.pets.seen[-1][2]
    listed = bed.client.get_tool("galaxy_getMe")
    assert SECRET not in str(listed)


def test_only_what_the_relay_sees_and_the_operator_trusts_is_said_to_read(bed: Bed) -> None:
    effects = {tool.name: tool.effects for tool in bed.client.list_tools()}

    assert effects["getPetById"] == pb.EFFECTS_READ_ONLY
    assert effects["galaxy_getMe"] == pb.EFFECTS_WRITES  # its host is in no safe_domains
    assert effects["addPet"] == pb.EFFECTS_WRITES
    assert effects["deletePet"] == pb.EFFECTS_DESTRUCTIVE


STATUSES_TOLD = {
    "400": ("user", False),
    "401": ("permanent", False),
    "404": ("user", False),
    "429": ("temporary", True),
    "503": ("temporary", True),
}


@pytest.mark.parametrize("status", STATUSES_TOLD)
def test_a_status_that_is_no_success_fails_with_what_the_host_says(bed: Bed, status: str) -> None:
    outcome = bed.failure("getPetById", petId=int(f"9{status}")).outcome

    category, retryable = STATUSES_TOLD[status]
    assert outcome.failed.code == f"HTTP_{status}"
    assert "so it is" in outcome.message
    assert (category.upper() in str(outcome), outcome.retryable) == (True, retryable)


def test_a_result_that_is_not_what_the_document_says_is_none(bed: Bed) -> None:
    assert bed.failure("getPetById", petId=2).outcome.failed.exception == "ResultInvalid"


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "..\\x", "../../planets"])
def test_no_argument_leads_to_another_operation(bed: Bed, name: str) -> None:
    before = len(bed.pets.seen)

    bed.failure("deleteUser", username=name)

    assert len(bed.pets.seen) == before


def register(bed: Bed, **fields: Any) -> pb.RegisteredDefinition:
    manifest = json.dumps(fields.pop("manifest", {})).encode()
    source = pb.OpenApiSource(**{"document": PETSTORE.read_bytes(), **fields})
    definition = pb.ToolDefinition(manifest_json=manifest, openapi=source)
    with grpc.insecure_channel(bed.server.target) as channel:
        stub: Any = ToolRegistryServiceStub(channel)
        request = pb.RegisterToolsRequest(definitions=[definition])
        found: pb.RegisteredDefinition = stub.RegisterTools(request).definitions[0]
        return found


class TestRegisteredAtRunTime:
    def test_its_operations_are_tools_at_once(self, bed: Bed) -> None:
        url = f"http://{PETS}:{bed.pets.port}/v2"
        limits = {"limits": {"wall_seconds": 9}}
        wanted = ["getPetById", "uploadFile"]
        made = register(bed, base_url=url, prefix="late_", operations=wanted, manifest=limits)

        assert [tool.name for tool in made.tools] == ["late_getPetById"]
        assert "uploaded" in made.skipped[0].message
        assert bed.asked("late_getPetById", petId=1)[0] == PET

    def test_what_the_settings_name_keeps_its_name(self, bed: Bed) -> None:
        wanted = ["getPetById"]
        made = register(bed, base_url="https://evil.test", operations=wanted)

        assert made.faults[0].code == "NAME_TAKEN"
        assert "the settings" in made.faults[0].message
        assert bed.asked("getPetById", petId=1)[0] == PET

    REFUSED: Any = (
        ({"document": b"{"}, "/openapi/document"),
        ({"document": b"openapi: 2.0"}, "/openapi/document"),
        ({"base_url": "nowhere"}, "/openapi/base_url"),
        ({"operations": ["nothing"]}, "/openapi/operations"),
        ({"credential": "galaxy2", "base_url": "https://a.test"}, "/openapi/credential"),
        ({"manifest": {"effects": "read_only"}}, "/manifest"),
    )

    @pytest.mark.parametrize(("fields", "where"), REFUSED)
    def test_a_definition_is_refused_with_the_place_and_the_reason(
        self, bed: Bed, fields: Any, where: str
    ) -> None:
        made = register(bed, prefix="no_", **fields)

        assert not made.tools
        assert made.faults[0].path == where
        assert made.faults[0].message
