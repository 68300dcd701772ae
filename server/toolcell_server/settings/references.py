"""
References to secrets, as settings write them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from toolcell_server.secret_sources import PROVIDERS, Reference
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.names import check_known


def reference(key: str, value: Any) -> Reference:
    """
    Where a secret is kept.

    Raises:
        SettingsError: it is no reference; the value, which may be a secret, is not shown.
    """
    remedy = 'write where it is kept, {file="/run/secrets/name"} or {env="NAME"}'
    if not isinstance(value, Mapping) or len(value) != 1:
        raise SettingsError("is no reference to a secret", remedy, key=key)
    ((scheme, name),) = value.items()
    check_known(f"{key}.{scheme}", scheme, PROVIDERS)
    if not isinstance(name, str) or not name or "\0" in name:
        raise SettingsError("is no reference to a secret", remedy, key=key)
    return file(key, name) if scheme == "file" else Reference(scheme, name)


def file(key: str, value: Any) -> Reference:
    """
    A file by its absolute path.

    Raises:
        SettingsError: it is none.
    """
    if not isinstance(value, str) or not os.path.isabs(value) or "\0" in value:  # noqa: PTH117
        raise SettingsError("is not an absolute path", "begin it with /", key=key, value=value)
    return Reference("file", value)
