"""
The settings: one frozen value, read once, checked when read, passed in.
"""

from toolcell_server.settings.bundles import BundleSettings
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.reading import read
from toolcell_server.settings.values import BuiltinSettings, ServerSettings, Settings

__all__ = [
    "BuiltinSettings",
    "BundleSettings",
    "ServerSettings",
    "Settings",
    "SettingsError",
    "read",
]
