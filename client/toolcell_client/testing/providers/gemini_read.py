"""
Reads the contents of a request of the Gemini API, as strictly as it does.  Pure.

Theory of operation.  A turn of the model with calls is followed by one turn of the user that has as
many function responses; that they are of the same functions, and have the ids of the calls if they
have any, is this server's own demand.  A model that signs its calls wants the signature back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.gemini_words import invalid, take, wrong
from toolcell_client.testing.providers.turns import written
from toolcell_client.testing.providers.view import Answered, Called, Said

if TYPE_CHECKING:
    from toolcell_client.testing.providers.view import Entry

_PART = """
codeExecutionResult executableCode fileData functionCall functionResponse inlineData mediaResolution
partMetadata text thought thoughtSignature videoMetadata
"""
PART: dict[str, type] = {
    **dict.fromkeys(_PART.split(), object),
    "functionCall": dict,
    "functionResponse": dict,
    "text": str,
    "thought": bool,
    "thoughtSignature": str,
}
DATA = ("text", "functionCall", "functionResponse", "inlineData", "fileData")
CALL = {"id": str, "name": str, "args": dict, "partialArgs": list, "willContinue": bool}
RESPONSE = {
    "id": str,
    "name": str,
    "response": dict,
    "parts": list,
    "scheduling": str,
    "willContinue": bool,
}
COUNTS = (
    "Please ensure that the number of function response parts is equal to the number of function"
    " call parts of the function call turn."
)


@dataclass
class Contents:
    """
    What was read so far; `open` are the calls of the turn before.
    """

    signs: bool
    entries: list[Entry] = field(default_factory=list)
    open: list[Called] = field(default_factory=list)
    last_role: str = ""


def read_contents(contents: list[Any], *, signs: bool) -> Contents:
    """
    `signs`: the model wants its signatures back.

    Raises:
        Refused: Gemini would not take them.
    """
    if not contents:
        raise wrong("contents", "contents is not specified")
    read = Contents(signs)
    for at, content in enumerate(contents):
        where = f"contents[{at}]"
        fields = take(content, {"role": str, "parts": list}, where)
        role = fields.get("role", "user")
        if role not in ("user", "model", "function"):
            raise invalid("Please use a valid role: user, model.")
        if not fields.get("parts"):
            raise wrong(f"{where}.parts", "contents.parts must not be empty.")
        parts = [
            _part(each, f"{where}.parts[{number}]") for number, each in enumerate(fields["parts"])
        ]
        if role == "model":
            _read_model(read, parts, where)
        else:
            _read_user(read, parts, where)
        read.last_role = role
    if read.open:
        raise invalid(COUNTS)
    return read


def _part(part: Any, where: str) -> dict[str, Any]:
    fields = take(part, PART, where)
    data = [name for name in DATA if name in fields]
    if len(data) != 1 and not (not data and "thoughtSignature" in fields):
        raise wrong(f"{where}.data", "required oneof field 'data' must have one initialized field")
    return fields


def _read_model(read: Contents, parts: list[dict[str, Any]], where: str) -> None:
    if read.open:
        raise invalid(COUNTS)
    for at, part in enumerate(parts):
        here = f"{where}.parts[{at}]"
        if "functionResponse" in part:
            raise invalid("Please ensure that function response turn is of the role user.")
        if "functionCall" not in part:
            if (text := part.get("text")) and not part.get("thought"):
                read.entries.append(Said("assistant", text))
            continue
        if read.last_role in ("", "model"):
            raise invalid(
                "Please ensure that function call turn comes immediately after a user turn or after"
                " a function response turn."
            )
        call = take(part["functionCall"], CALL, f"{here}.function_call")
        if not call.get("name"):
            raise wrong(f"{here}.function_call.name", "Name cannot be empty.")
        if read.signs and not read.open and not part.get("thoughtSignature"):
            raise invalid(
                "Function call is missing a thought_signature in functionCall parts. This is"
                " required for tools to work correctly. Additional data, function call"
                f" `default_api:{call['name']}`, position {at + 1}."
            )
        called = Called(call["name"], written(call.get("args", {})), call.get("id", ""))
        read.entries.append(called)
        read.open.append(called)


def _read_user(read: Contents, parts: list[dict[str, Any]], where: str) -> None:
    answers = [part["functionResponse"] for part in parts if "functionResponse" in part]
    if answers and not read.open:
        raise invalid(
            "Please ensure that function response turn comes immediately after a function call"
            " turn."
        )
    if len(answers) != len(read.open):
        raise invalid(COUNTS)
    waiting = list(read.open)
    for at, answer in enumerate(answers):
        here = f"{where}.parts[{at}].function_response"
        fields = take(answer, RESPONSE, here)
        if not fields.get("name"):
            raise wrong(f"{here}.name", "Name cannot be empty.")
        call = _called(waiting, fields, here)
        waiting.remove(call)
        response = fields.get("response", {})
        failed = "error" in response
        value = response["error"] if failed else response.get("output", response)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        read.entries.append(Answered(call.name, text, call.call_id, failed))
    read.open = []
    read.entries += [Said("user", part["text"]) for part in parts if part.get("text")]


def _called(waiting: list[Called], fields: dict[str, Any], here: str) -> Called:
    """
    The call that is answered: the one with the id, else the first of the name.
    """
    for call in waiting:
        if call.name == fields["name"] and fields.get("id", "") in ("", call.call_id):
            return call
    raise wrong(here, f"no call of '{fields['name']}' with this id waits for a response")
