from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hosts import living

from egress.bed import Bed, made
from egress.canaries import Canary, watching
from egress.proxied import serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    folder = tmp_path_factory.mktemp("bed")
    folder.chmod(0o755)
    with made(folder) as one:
        yield one


@pytest.fixture(scope="module")
def reporting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """
    A bed whose policy only reports.
    """
    folder = tmp_path_factory.mktemp("reporting")
    folder.chmod(0o755)
    with made(folder, policy="domains_report_only = true") as one:
        yield one


@pytest.fixture(scope="module", params=living.users())
def proxied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bed]:
    """
    A bed on a host without namespaces, as root and as an ordinary user.
    """
    if living.ROOT and not living.readable_by_anybody():
        pytest.skip("cells without mounts cannot read an interpreter or a tree of root's alone")
    with serving(tmp_path_factory.mktemp("proxied"), request.param) as one:
        yield one


@pytest.fixture
def canary() -> Iterator[Canary]:
    with watching() as one:
        yield one
