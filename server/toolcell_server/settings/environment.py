"""
The section `[environment]`: what kind of server this is, for tools that are there on some only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from toolcell_server.rights.availability import Environment
from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError

_LONGEST: Final = 64  # as a condition of a manifest can name it


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSettings:
    """
    `name` is one word, as in "production"; `labels` say more, as in {region = "eu"}.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        checks.text("environment.name", self.name)
        if len(self.name) > _LONGEST or self.name.strip() != self.name:
            remedy = f'write one word of at most {_LONGEST} characters, as in "production"'
            raise SettingsError("is no name", remedy, key="environment.name", value=self.name)
        if not isinstance(self.labels, Mapping):
            remedy = 'write it as {region = "eu"}'
            raise SettingsError("is no table", remedy, key="environment.labels", value=self.labels)
        for label, value in self.labels.items():
            checks.text(f"environment.labels.{label}", value)

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        return cls(**section)

    def value(self) -> Environment:
        """
        As those who decide take it.
        """
        return Environment(self.name, dict(self.labels))
