"""Files that attack whoever opens them: photos and evidence are drawn anew or refused."""

from __future__ import annotations

import io
import random
import shutil
import struct
import tracemalloc
import zlib
from contextlib import suppress

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.security.house import House, picture, state
from tests.security.pages import signed_in
from training_app.storage import service as storage


def _jpeg(**more: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (50, 30), (200, 30, 30)).save(out, "JPEG", **more)  # type: ignore[arg-type]
    return out.getvalue()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_of(width: int, height: int) -> bytes:
    """Return a PNG that says it is huge and weighs nothing."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\x00" * 1000)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _drawn(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 20)).save(out, kind)
    return out.getvalue()


def _noisy_png() -> bytes:
    out = io.BytesIO()
    Image.frombytes("RGB", (60, 40), random.Random(1).randbytes(60 * 40 * 3)).save(out, "PNG")
    return out.getvalue()


def _text_bomb() -> bytes:
    """Return a PNG whose text unpacks to 200 MB."""
    text = zlib.compress(b"a" * 200_000_000, 9)
    good = picture()
    return good[:33] + _chunk(b"zTXt", b"Comment\x00\x00" + text) + good[33:]


REFUSED = {
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj",
    "GIF": _drawn("GIF"),
    "BMP": _drawn("BMP"),
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(file) run",
    "pixel bomb": _png_of(60_000, 60_000),
    "a line of pixels": _png_of(2**31 - 1, 1),
    "no pixels": _png_of(0, 0),
    "truncated JPEG": _jpeg()[:300],
    "truncated PNG": _noisy_png()[:2000],
    "a head alone": b"\xff\xd8\xff\xe0",
    "noise": bytes(range(256)) * 40,
    "zip": b"PK\x03\x04" + b"\x00" * 40,
}
NAMES = ("photo.jpg", "photo.svg", "../../etc/passwd", "a\x00.jpg", "", "x" * 300 + ".jpg", "<script>.jpg", "photo.php")


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_photo_is_refused_in_words_and_kept_nowhere(app: Flask, house: House, what: str) -> None:
    hr, manager = signed_in(app, house, "hr"), signed_in(app, house, "manager")
    learner = house.world.learner
    before, files = state(), _files(app)
    for client, address, fields in (
        (hr, f"/people/{learner}/photo", {}),
        (hr, f"/people/{learner}/licences/new", {"kind": "refrigeration", "number": "T1", "issuer": "Authority"}),
        (manager, f"/permits/report/{learner}", {
            "code": "promise-broken", "day": "2026-11-20", "time": "10:00", "words": "Late.", "token": "t" * 20}),
        (signed_in(app, house, "learner"), f"/me/cases/{house.values['case_id']}/answer", {"words": "Mine."}),
    ):  # fmt: skip
        before = state()
        name = "scan" if "licences" in address else "photo"
        answer = client.post(address, data={**fields, name: (io.BytesIO(REFUSED[what]), "photo.jpg", "image/jpeg")})
        assert answer.status_code == 422, f"{address}: {answer.status_code}"
        assert state() == before
    assert _files(app) == files


def test_where_little_room_is_left_uploads_stop_in_words_and_everything_else_goes_on(app: Flask, house: House) -> None:
    folder = storage._root[0]
    storage.use_root(folder, keep_free=shutil.disk_usage(folder).total)
    hr, learner = signed_in(app, house, "hr"), signed_in(app, house, "learner")
    files = _files(app)
    answer_to = f"/me/cases/{house.values['case_id']}/answer"
    for client, address in ((hr, f"/people/{house.world.learner}/photo"), (learner, answer_to)):
        for language, words in (("en", "The server is short of room"), ("zh", "服务器存储空间不足")):
            client.post("/language", data={"lang": language, "next": "/"})
            before = state()
            sent = {"words": "Mine, typed once.", "photo": (io.BytesIO(_jpeg()), "a.jpg")}
            answer = client.post(address, data=sent)
            assert (answer.status_code, words in answer.text, "Retry-After" in answer.headers) == (503, True, True)
            assert ("Mine, typed once." in answer.text) == (address == answer_to)
            assert (state(), _files(app)) == (before, files)
    assert learner.post(answer_to, data={"words": "Mine, without the photo."}).status_code == 303
    storage.use_root(folder)
    assert (
        hr.post(f"/people/{house.world.learner}/photo", data={"photo": (io.BytesIO(_jpeg()), "a.jpg")}).status_code
        == 302
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_file_decides_nothing(app: Flask, house: House, name: str) -> None:
    client = signed_in(app, house, "hr")
    files = _files(app)
    sent = {"photo": (io.BytesIO(_jpeg()), name, "text/html")}
    answer = client.post(f"/people/{house.world.learner}/photo", data=sent)
    assert answer.status_code in ((302,) if name and "\x00" not in name else (400, 422, 302))
    assert all(len(one) == 64 for one in _files(app) - files), "a name of our own, made of the content"


def test_a_photo_is_drawn_anew_without_place_words_or_a_second_file(app: Flask, house: House) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x9286] = "SECRET-PLACE", "SECRET-WORDS"
    sent = _jpeg(exif=exif, comment=b"SECRET-COMMENT") + b"<script>alert('SECRET-TAIL')</script>PK\x03\x04"
    client = signed_in(app, house, "hr")
    assert (
        client.post(f"/people/{house.world.learner}/photo", data={"photo": (io.BytesIO(sent), "a.jpg")}).status_code
        == 302
    )
    shown = client.get(f"/people/{house.world.learner}/photo")
    assert shown.mimetype == "image/jpeg"
    assert b"SECRET" not in shown.data
    assert shown.data[:3] == b"\xff\xd8\xff"
    assert max(Image.open(io.BytesIO(shown.data)).size) <= storage.PHOTO_SIDE


def test_every_file_leaves_with_headers_that_keep_it_a_file(app: Flask, house: House) -> None:
    paths = {
        "learner": ["/me/permit/photo", f"/permits/evidence/{house.values['evidence_id']}",
                    f"/certificates/{house.values['certificate_id']}/pdf"],
        "hr": [f"/people/{house.world.learner}/photo"],
        None: [f"/d/{house.values['code']}/photo"],
    }  # fmt: skip
    for person, addresses in paths.items():
        client = signed_in(app, house, person)
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code == 200, address
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.mimetype in ("image/jpeg", "application/pdf")
            is_attachment = answer.headers.get("Content-Disposition", "").startswith("attachment")
            assert is_attachment or answer.mimetype == "image/jpeg"
            answer.close()


def test_the_text_of_a_picture_is_never_unpacked(app: Flask, house: House) -> None:
    bomb = _text_bomb()
    tracemalloc.start()
    try:
        with suppress(storage.NotAPhoto):
            storage.clean_photo(bomb)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def test_a_photo_whose_notes_say_another_type_is_refused_in_words(app: Flask, house: House) -> None:
    # The library finds this out only when it writes the turned picture's notes anew, and then says struct.error.
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "words"
    sent = bytearray(_jpeg(exif=exif))
    sent[41] = 3  # the words of 0x010E are said to be a number
    client = signed_in(app, house, "hr")
    answer = client.post(f"/people/{house.world.learner}/photo", data={"photo": (io.BytesIO(bytes(sent)), "a.jpg")})
    assert answer.status_code == 422


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_photo_is_a_photo_or_none(data: st.DataObject) -> None:
    """Bytes of a good photo are changed; the reader has to say yes or no, whatever the library stumbles over."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "words"
    good = bytearray(data.draw(st.sampled_from([_jpeg(exif=exif), picture(), _webp()])))
    for _ in range(data.draw(st.integers(1, 8))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        clean = storage.clean_photo(bytes(good))
    except storage.NotAPhoto:
        return
    assert clean[:3] == b"\xff\xd8\xff"


def _webp() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (50, 30), (20, 130, 30)).save(out, "WEBP")
    return out.getvalue()


def _files(app: Flask) -> set[str]:
    """Return the names of all kept files, whole or left behind."""
    return {"".join(one.relative_to(storage._root[0]).parts) if len(one.name) != 64 else one.name
            for one in storage._root[0].rglob("*") if one.is_file()}  # fmt: skip
