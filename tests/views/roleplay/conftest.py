"""Every request of a browser starts afresh, as on a server: nothing is remembered in the test's own context."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, g
from flask.testing import FlaskClient


class FreshClient(FlaskClient):
    def open(self, *args: Any, **kwargs: Any) -> Any:
        vars(g._get_current_object()).clear()
        return super().open(*args, **kwargs)


@pytest.fixture(autouse=True)
def fresh_client(app: Flask) -> Iterator[None]:
    app.test_client_class = FreshClient
    yield
    app.test_client_class = None
