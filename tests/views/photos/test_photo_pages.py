"""The pages of photos from a zip."""

from __future__ import annotations

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from tests.factories import World
from tests.services.photos.test_photos_from_a_zip import photo, photo_of, work, zipped
from tests.statements import statements


@pytest.fixture
def hr(app: Flask, world: World) -> FlaskClient:
    return world.sign_in(app.test_client(), "hr")


def post(client: FlaskClient, data: bytes, name: str = "x.zip") -> TestResponse:
    """Send a zip as bytes: a test's own file of a large form would stay open."""
    boundary, body = encode_multipart({"file": FileStorage(io.BytesIO(data), filename=name)})
    return client.post("/photos", data=body, content_type=f"multipart/form-data; boundary={boundary}")


def send(client: FlaskClient, data: bytes, name: str = "照片.zip") -> str:
    answer = post(client, data, name)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def test_a_zip_is_sent_looked_at_set_and_undone(world: World, hr: FlaskClient) -> None:
    number = world.numbers["learner"]
    page = send(hr, zipped({f"{number}.jpg": photo(), "nobody <b>.jpg": photo("red"), "x.jpg": b"nothing"}))
    assert f'hx-get="{page}/progress"' in hr.get(page).text
    assert "HX-Refresh" not in hr.get(f"{page}/progress").headers
    work()
    assert hr.get(f"{page}/progress").headers["HX-Refresh"] == "true"
    matched = hr.get(page).text
    assert "王小明" in matched
    (thumbnail,) = re.findall(r'src="(/photos/items/\d+/new\.jpg)"', matched)
    assert hr.get(thumbnail).mimetype == "image/jpeg"
    unmatched = hr.get(f"{page}?show=unmatched").text
    assert "nobody &lt;b&gt;.jpg" in unmatched
    assert "工号或上岗证编号命名" in unmatched
    assert "另存为 JPEG" in hr.get(f"{page}?show=unreadable").text
    hr.post(f"{page}/do/apply")
    work()
    assert photo_of(world.learner) is not None
    assert f'action="{page}/do/undo"' in hr.get(page).text
    hr.post(f"{page}/do/undo")
    work()
    assert photo_of(world.learner) is None
    assert "undo" not in re.findall(r'action="([^"]+)"', hr.get(page).text)


def test_a_refused_zip_and_an_empty_form_say_what_to_do(hr: FlaskClient) -> None:
    page = send(hr, b"not a zip")
    work()
    assert "不是能读取的 zip" in hr.get(page).text
    empty = hr.post("/photos", data={})
    assert empty.status_code == 422
    assert "请先选择压缩包" in empty.text
    put_away = send(hr, zipped({"x.jpg": photo()}))
    work()
    assert hr.post(f"{put_away}/do/drop", follow_redirects=True).status_code == 200


def test_only_who_edits_people_may_send_so_much_and_nobody_sees_anothers(
    app: Flask, world: World, hr: FlaskClient
) -> None:
    large = zipped({"x.jpg": b"\0" * 1000, "pad.txt": bytes(17 * 1024 * 1024)}, 0)
    page = send(hr, large)
    learner = world.sign_in(app.test_client(), "learner")
    assert post(learner, large).status_code == 413
    assert post(app.test_client(), large).status_code in (401, 413)
    other = world.sign_in(app.test_client(), "hr_lead")
    for path in (page, f"{page}/progress", "/photos/items/1/new.jpg"):
        assert other.get(path).status_code == 404
    assert other.post(f"{page}/apply").status_code == 404


def test_a_page_of_pictures_costs_as_many_reads_for_many_as_for_one(world: World, hr: FlaskClient) -> None:
    counts = []
    for files in (1, 5):
        page = send(hr, zipped({f"{n}.jpg": photo() for n in range(files)}))
        work()
        hr.get(page)
        with statements("SELECT") as seen:
            hr.get(page)
        counts.append(len(seen))
    assert counts[0] == counts[1]
