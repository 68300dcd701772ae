"""
What is wrong with a definition, and where.  Pure.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Code(enum.StrEnum):
    """
    What kind of fault it is: a closed set, for machines.
    """

    UNREADABLE = "UNREADABLE"  # no JSON, no TOML, no file
    NOT_JSON = "NOT_JSON"  # a value that JSON or Unicode does not have
    TOO_LARGE = "TOO_LARGE"  # the whole, in bytes or depth
    REQUIRED = "REQUIRED"  # a key is missing
    UNKNOWN_KEY = "UNKNOWN_KEY"
    WRONG_TYPE = "WRONG_TYPE"
    MALFORMED = "MALFORMED"  # a text of the wrong form
    NOT_ONE_OF = "NOT_ONE_OF"  # not of a closed set
    OUT_OF_RANGE = "OUT_OF_RANGE"  # a number
    TOO_SHORT = "TOO_SHORT"
    TOO_LONG = "TOO_LONG"  # a text
    TOO_MANY = "TOO_MANY"  # entries
    SCHEMA_INVALID = "SCHEMA_INVALID"  # no JSON Schema
    SCHEMA_NOT_OBJECT = "SCHEMA_NOT_OBJECT"  # arguments are always an object
    SCHEMA_TOO_LARGE = "SCHEMA_TOO_LARGE"  # in bytes, nodes or depth, also unrolled
    SCHEMA_REFERENCE = "SCHEMA_REFERENCE"  # names nothing of the schema
    SCHEMA_LOOP = "SCHEMA_LOOP"  # refers to itself without end
    SCHEMA_KEYWORD = "SCHEMA_KEYWORD"  # one that is not supported
    SCHEMA_FORMAT = "SCHEMA_FORMAT"
    SCHEMA_PATTERN = "SCHEMA_PATTERN"  # does not compile, is too long, may never end
    SCHEMA_DEFAULT = "SCHEMA_DEFAULT"  # not of its own schema
    LIMIT = "LIMIT"
    RATE = "RATE"
    PATH = "PATH"
    DOMAIN = "DOMAIN"
    PLACE = "PLACE"  # of a transform or a screen
    CONTRADICTION = "CONTRADICTION"  # two keys that cannot both hold
    NOT_SUPPORTED = "NOT_SUPPORTED"  # by this server, yet
    COMMAND = "COMMAND"  # how a command is called
    CODE = "CODE"  # Python that does not load
    MORE = "MORE"  # there are more faults than are listed


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """
    One fault.  `path` is a JSON pointer (RFC 6901) into the definition, "" for the whole;
    `message` says what is wrong and the remedy.
    """

    path: str
    code: Code
    message: str

    def below(self, at: str) -> Fault:
        """
        The same fault, of a part that stands at that pointer.
        """
        return Fault(f"{at}{self.path}", self.code, self.message)
