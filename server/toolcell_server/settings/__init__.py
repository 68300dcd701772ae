"""
The settings: one frozen value, read once, checked when read, passed in.
"""

from toolcell_server.settings.auth import AuthSettings
from toolcell_server.settings.bundles import BundleSettings
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.jwt import JwtSettings
from toolcell_server.settings.reading import read
from toolcell_server.settings.tls import TlsSettings
from toolcell_server.settings.values import BuiltinSettings, ServerSettings, Settings

__all__ = [
    "AuthSettings",
    "BuiltinSettings",
    "BundleSettings",
    "JwtSettings",
    "ServerSettings",
    "Settings",
    "SettingsError",
    "TlsSettings",
    "read",
]
