"""
Published OpenAPI documents, as test data.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "server/registering/openapi/documents"
PETSTORE = FOLDER / "petstore.json"
GALAXY = FOLDER / "galaxy.yaml"
