"""What the server of a bench serves: the product, and beside it two bare applications as yardsticks.

/bench/hello answers a word; /bench/row commits what was posted as one row, on the product's kind of database and with
its durability.
"""

from __future__ import annotations

import os
import threading

from flask import Flask, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tools.bench.rows import Rows
from wsgi import app as product

hello = Flask("hello")
row = Flask("row")
_local = threading.local()


@hello.get("/")
def say_hello() -> str:
    return "hello"


@row.post("/")
def keep_row() -> tuple[str, int]:
    """Commit one row."""
    if not hasattr(_local, "rows"):
        _local.rows = Rows(os.environ["BENCH_ROWS"])
    _local.rows.keep(request.get_data(as_text=True))
    return "", 204


@row.get("/hash")
def make_hash() -> tuple[str, int]:
    """Check one password hash, as the product does."""
    from argon2 import PasswordHasher

    hasher = PasswordHasher()
    if not hasattr(_local, "hash"):
        _local.hash = hasher.hash("a quiet harbour at dawn")
    hasher.verify(_local.hash, "a quiet harbour at dawn")
    return "", 204


app = DispatcherMiddleware(product, {"/bench/hello": hello, "/bench/row": row})
