"""
The files that say who may call: no tool may read them, nor write them, whatever the policy allows.

Theory of operation.  A root of the policy may hold one of them by mistake.  A tool that writes the
file of tokens makes itself a principal; one that reads a key is the server.  So their paths, and
where these really are, are denied as if the operator had listed them in `policy.denied_paths`.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_server.policy import Policy
    from toolcell_server.secret_sources import Reference
    from toolcell_server.settings.auth import AuthSettings
    from toolcell_server.settings.tls import TlsSettings


def denied(policy: Policy, auth: AuthSettings, tls: TlsSettings) -> Policy:
    """
    The policy, with those files denied; follows their links now.
    """
    named = [os.path.normpath(path) for path in _files(auth, tls)]
    real = [os.path.realpath(path) for path in named]
    paths = dict.fromkeys((*policy.denied_paths, *named, *real))
    return dataclasses.replace(policy, denied_paths=tuple(paths))


def _files(auth: AuthSettings, tls: TlsSettings) -> Iterable[str]:
    jwt = (auth.jwt.secret, auth.jwt.jwks_file) if auth.jwt else ()
    kept = (token.reference for token in auth.tokens)
    for reference in (*tls.references, auth.tokens_file, *jwt, *kept):
        if _is_file(reference):
            yield reference.name


def _is_file(reference: Reference | None) -> TypeGuard[Reference]:
    return reference is not None and reference.scheme == "file"
