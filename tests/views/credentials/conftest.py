"""The limits of the public pages count from zero in every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from training_app.credentials.limits import limiter


@pytest.fixture(autouse=True)
def fresh_limits(app: object) -> Iterator[None]:
    limiter.reset()
    yield
    limiter.reset()
