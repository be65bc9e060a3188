"""A simulated account in this process."""

from collections.abc import Iterator

import pytest
from moto import mock_aws


@pytest.fixture
def account() -> Iterator[None]:
    """Every boto3 client of this process asks moto."""
    with mock_aws():
        yield
