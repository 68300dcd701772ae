"""
Checks arguments of schema-only tools against their schemas; also a program that does it once.

Theory of operation.  The schema is the developer's, the arguments are a model's.  Some keywords let
a model's arguments stop a program: `pattern`, on which Python's `re` can take forever, in C, where
nothing interrupts it; `uniqueItems`, which compares each item with each; references that recurse
through unions, where every level doubles the work.  What has one of these is checked by a process
of its own, that can be killed.  And size: what is larger than `MAXIMUM_BYTES` is not looked at.
Formats that need no other package are asserted, as who writes "format": "date" for an extraction
means it.  Nothing is fetched: a `$ref` to elsewhere is an error of the schema.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAXIMUM_BYTES = 1_000_000  # of arguments; as the server's default
PATTERN_SECONDS = 5.0  # arbitrary; of a check by a process, with the start of it
SLOW = ('"pattern', '"uniqueItems"', '"$ref"', '"$dynamicRef"')
MOST_VIOLATIONS = 10  # arbitrary; who mends these sees the rest
SHOWN_CHARACTERS = 150  # arbitrary; of a value in a message

Violation = dict[str, str]


class NotInstalled(ImportError):  # noqa: N818  # names what happened
    """
    Raised when a schema-only tool is used without the package that checks schemas.
    """


def violations(schema: Mapping[str, Any], arguments_json: bytes) -> list[Violation]:
    """
    What the arguments violate; empty if they fit.

    Raises:
        NotInstalled: `jsonschema` is missing.
        ValueError: the schema is none.
    """
    if len(arguments_json) > MAXIMUM_BYTES:
        return [_violation("", f"must have at most {MAXIMUM_BYTES} bytes")]
    written = json.dumps(schema)
    if any(each in written for each in SLOW):
        return _elsewhere(schema, arguments_json)
    return check(schema, json.loads(arguments_json))


def check(schema: Mapping[str, Any], arguments: Any) -> list[Violation]:
    """
    The same, here and now.
    """
    try:
        from jsonschema import Draft202012Validator  # an extra
        from jsonschema.exceptions import SchemaError
        from referencing import Registry
        from referencing.exceptions import Unresolvable
    except ImportError as exc:
        raise NotInstalled(
            "schema-only tools need jsonschema: pip install 'toolcell[extraction]'"
        ) from exc
    try:
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(
            schema, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER
        )
        errors = [
            each
            for _, each in zip(
                range(MOST_VIOLATIONS), validator.iter_errors(arguments), strict=False
            )
        ]
    except SchemaError as exc:
        raise ValueError(f"this is no JSON Schema: {exc.message:.200}") from exc
    except Unresolvable as exc:
        raise ValueError(f"the schema refers to what it does not hold: {exc}") from exc
    except RecursionError:
        return [_violation("", "is nested too deep")]
    except OverflowError as exc:  # a number that no float holds, or one in a text that is a pattern
        return [_violation("", f"cannot be checked: {exc}")]
    found = [each for error in errors for each in _described(error)]
    return [each for at, each in enumerate(found) if each not in found[:at]][:MOST_VIOLATIONS]


def _described(error: Any) -> Iterable[Violation]:
    at = "".join(
        f"/{str(each).replace('~', '~0').replace('/', '~1')}" for each in error.absolute_path
    )
    rule = error.validator_value
    if error.validator == "required":
        return [
            _violation(f"{at}/{each}", "is required") for each in rule if each not in error.instance
        ]
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = [each for each in error.instance if each not in known]
        return [_violation(f"{at}/{each}", "is not a property") for each in unknown]
    shown = json.dumps(rule, ensure_ascii=False)
    return [_violation(at, f"must satisfy {error.validator}: {shown:.{SHOWN_CHARACTERS}}")]


def _violation(field: str, description: str) -> Violation:
    return {"field": field[:SHOWN_CHARACTERS], "description": description}


def _elsewhere(schema: Mapping[str, Any], arguments_json: bytes) -> list[Violation]:
    asked = json.dumps({"schema": schema, "arguments": json.loads(arguments_json)}).encode()
    try:
        done = subprocess.run(  # ourselves
            [sys.executable, "-P", "-m", __name__],
            input=asked,
            capture_output=True,
            timeout=PATTERN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [_violation("", "takes too long to compare with the schema; send less")]
    if done.returncode:
        raise ValueError(done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:500])
    found: list[Violation] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    task = json.load(sys.stdin)
    json.dump(check(task["schema"], task["arguments"]), sys.stdout)
