"""
Why a caller is not authenticated.  Pure.

Theory of operation.  There are two readers.  The operator's metric and log learn the exact kind,
one of a closed set.  The caller learns one of three sentences: he sent nothing, what he sent is not
valid, or it was and has expired.  More would tell a forger which part to mend next; `expired` is
said only of what was authentic, because the signature or the hash is checked first.
"""

from __future__ import annotations

import enum


class Kind(enum.Enum):
    """
    What the operator learns.
    """

    NONE = "none"  # no credential at all
    REPEATED = "repeated"  # more than one authorization
    OVERSIZED = "oversized"
    MALFORMED = "malformed"  # not `Bearer` and a token, or not a JWT where one is needed
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105  # a word for a metric
    EXPIRED = "expired"
    ALGORITHM = "algorithm"  # not one that the operator lists
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    NOT_YET_VALID = "not_yet_valid"
    CLAIMS = "claims"  # missing, or of a shape that cannot be used
    NAME_TAKEN = "name_taken"  # the name of a principal that the settings name
    CERTIFICATE = "certificate"  # verified, but nobody's


class NotAuthentic(Exception):  # noqa: N818  # names what happened
    """
    Raised when a credential is nobody's.  Holds nothing of the credential.
    """

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind.value)
        self.kind = kind
