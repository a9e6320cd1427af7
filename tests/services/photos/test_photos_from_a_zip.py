"""Photos from a zip: read without trust, matched by number, set, brought back."""

from __future__ import annotations

import io
import struct
import zipfile
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from tests.credentials_factories import certified, set_photo
from tests.factories import World
from training_app import clock
from training_app.access.models import RoleGrant
from training_app.accounts import people_queries
from training_app.accounts import service as accounts
from training_app.db import db, transaction
from training_app.errors import NotFound
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.jobs.rules import JobState
from training_app.photos import queries, service
from training_app.photos.models import PhotoBatch
from training_app.photos.reading import Refused, open_zip
from training_app.photos.rules import BatchState, ItemState, Problem
from training_app.storage import service as storage
from training_app.storage.models import Blob


def photo(colour: str = "navy", *, kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    Image.new("RGB", (90, 120), colour).save(out, kind, exif=exif)
    return out.getvalue()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def work() -> None:
    """Let the worker do what is queued, portion after portion."""
    queued = sa.select(Job.id).where(Job.state == JobState.QUEUED, Job.kind.like("photos%"))
    while job := db.session.scalars(queued).first():
        db.session.rollback()
        jobs.run(job)
        assert db.session.get_one(Job, job, populate_existing=True).error is None
    db.session.rollback()


def sent(world: World, data: bytes, *, by: str = "hr") -> int:
    batch_id = service.take_in("photos.zip", data, now=clock.now(), actor_id=world.people[by])
    work()
    return batch_id


def stands(world: World, batch_id: int, *, by: str = "hr") -> queries.BatchRow:
    row = queries.get_own(db.session(), batch_id, world.people[by])
    db.session.rollback()
    return row


def photo_of(person_id: int) -> str | None:
    found = people_queries.photo_of(db.session(), person_id)
    db.session.rollback()
    return found


def test_photos_are_matched_previewed_set_and_brought_back(app: Flask, world: World) -> None:
    issued = certified(world.learner2, clock.now())
    set_photo(world.learner, clock.now())
    before, numbers = photo_of(world.learner), world.numbers
    files = {
        f"新/{numbers['learner']} 王小明.jpg": photo("navy"),
        f"{issued.permit_number}.png": photo("red", kind="PNG"),
        f"{numbers['learner']} again.jpg": photo("green"),
        f"{numbers['learner']} {numbers['trainer']}.jpg": photo("pink"),
        "nobody.jpg": photo("white"),
        f"{numbers['trainer']}.jpg": b"no picture at all",
        "__MACOSX/._x.jpg": b"added by a system",
        "notes.txt": b"not meant as a photo",
    }
    batch_id = sent(world, zipped(files))
    row = stands(world, batch_id)
    assert row.state is BatchState.READ
    assert row.figures == {
        ItemState.MATCHED: 2, ItemState.TWICE: 1, ItemState.SEVERAL: 1, ItemState.NOBODY: 1, ItemState.NOT_A_PHOTO: 1,
    }  # fmt: skip
    assert photo_of(world.learner) == before, "a preview changes nothing"
    assert db.session.get_one(PhotoBatch, batch_id).sha256 is None, "the zip goes once it is read"
    items, _next = queries.items(db.session(), batch_id, "matched", 0)
    assert [(item.name, item.person_id) for item in items] == [
        (f"{numbers['learner']} 王小明.jpg", world.learner), (f"{issued.permit_number}.png", world.learner2)
    ]  # fmt: skip
    service.ask_to_apply(batch_id, now=clock.now(), actor_id=world.hr)
    with pytest.raises(service.NotNow):
        service.ask_to_apply(batch_id, now=clock.now(), actor_id=world.hr)
    work()
    assert stands(world, batch_id).state is BatchState.APPLIED
    new = photo_of(world.learner)
    assert new not in (None, before)
    assert b"taken at home" not in storage.read(new or "")
    newer = set_photo(world.learner2, clock.now())
    service.ask_to_undo(batch_id, now=clock.now(), actor_id=world.hr)
    work()
    row = stands(world, batch_id)
    assert (row.state, row.figures[ItemState.UNDONE], row.figures[ItemState.KEPT]) == (BatchState.UNDONE, 1, 1)
    assert photo_of(world.learner) == before
    assert storage.read(photo_of(world.learner2) or "") == newer, "a newer photo stays"


def test_who_had_no_photo_has_none_again_and_the_same_photo_changes_nothing(app: Flask, world: World) -> None:
    data = zipped({f"{world.numbers['learner']}.jpg": photo()})
    batch_id = sent(world, data)
    service.ask_to_apply(batch_id, now=clock.now(), actor_id=world.hr)
    work()
    assert stands(world, sent(world, data)).figures == {ItemState.SAME: 1}
    service.ask_to_undo(batch_id, now=clock.now(), actor_id=world.hr)
    work()
    assert photo_of(world.learner) is None


def test_out_of_reach_looks_like_nobody_and_a_lost_right_sets_nothing(app: Flask, world: World) -> None:
    data = zipped({f"{world.numbers['learner']}.jpg": photo(), f"{world.numbers['learner2']}.jpg": photo("red")})
    assert stands(world, sent(world, data, by="outsider"), by="outsider").figures == {ItemState.NOBODY: 2}
    batch_id = sent(world, data)
    accounts.deactivate_person(
        world.learner2, on=accounts.today(clock.now()), now=clock.now(), actor_id=world.administrator
    )
    with pytest.raises(NotFound):
        service.ask_to_apply(batch_id, now=clock.now(), actor_id=world.trainer)
    service.ask_to_apply(batch_id, now=clock.now(), actor_id=world.hr)
    with transaction() as session:
        session.execute(sa.update(RoleGrant).where(RoleGrant.person_id == world.hr).values(superseded_at=clock.now()))
    work()
    assert stands(world, batch_id).figures == {ItemState.GONE: 2}
    assert photo_of(world.learner) is None


def test_many_photos_are_read_portion_by_portion_and_a_repeat_adds_nothing(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(service.PORTION, service.READ, 2)
    files = {f"{n}.jpg": photo() for n in range(4)} | {f"{world.numbers['learner']}.jpg": photo("red")}
    batch_id = service.take_in("photos.zip", zipped(files), now=clock.now(), actor_id=world.hr)
    service.read(batch_id, clock=clock.now)
    service.read(batch_id, clock=clock.now)
    assert (stands(world, batch_id).done, stands(world, batch_id).total) == (4, 5)
    work()
    assert stands(world, batch_id).figures == {ItemState.NOBODY: 4, ItemState.MATCHED: 1}


def test_a_batch_is_let_go_when_nobody_applied_it(app: Flask, world: World) -> None:
    batch_id = sent(world, zipped({f"{world.numbers['learner']}.jpg": photo()}))
    assert service.clear_old(clock.now() + timedelta(days=6)) == 0
    assert service.clear_old(clock.now() + timedelta(days=8)) == 1
    row = stands(world, batch_id)
    assert (row.state, row.is_cleared) == (BatchState.DROPPED, True)
    kept = sa.select(sa.func.count()).where(Blob.erased_at.is_(None), Blob.media_type == "image/jpeg")
    assert db.session.scalar(kept) == 0


def _locked(data: bytes) -> bytes:
    """Return a zip whose files say that they are locked, in both tables."""
    made = bytearray(data)
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            made[at + flags] |= 1
            at = data.find(mark, at + 1)
    return bytes(made)


def _says_it_is_small(data: bytes) -> bytes:
    """Return a zip whose table of contents says that a file is tiny."""
    at, made = data.find(b"PK\x01\x02"), bytearray(data)
    made[at + 24 : at + 28] = struct.pack("<I", 10)
    return bytes(made)


def test_a_hostile_file_in_a_zip_is_refused_in_words_and_the_others_are_read(app: Flask, world: World) -> None:
    number = world.numbers["learner"]
    hostile = [
        (ItemState.TOO_LARGE, zipped({"a.jpg": b"\0" * (13 * 1024 * 1024)})),
        (ItemState.LOCKED, _locked(zipped({"a.jpg": photo()}))),
        (ItemState.NOT_A_PHOTO, zipped({"a.jpg": photo()}, zipfile.ZIP_LZMA)),
        (ItemState.NOT_A_PHOTO, _says_it_is_small(zipped({"a.jpg": b"\0" * 5_000_000}))),
    ]
    for state, data in hostile:
        assert stands(world, sent(world, data)).figures == {state: 1}, state
    paths = {f"../../../etc/{number}.jpg": photo("red"), "/etc/passwd.jpg": photo(), "C:\\x\\<b>.jpg": photo("blue")}
    batch_id = sent(world, zipped(paths))
    assert stands(world, batch_id).figures == {ItemState.MATCHED: 1, ItemState.NOBODY: 2}
    shown = [queries.items(db.session(), batch_id, group, 0)[0] for group in ("matched", "unmatched")]
    assert {item.name for items in shown for item in items} == {f"{number}.jpg", "passwd.jpg", "<b>.jpg"}


REFUSED = {
    Problem.NOT_A_ZIP: [b"", b"PK", b"\x89PNG\r\n\x1a\n" * 9, zipped({"a.jpg": b"x"})[:-30]],
    Problem.NO_PICTURES: [zipped({"a.txt": b"x"}), zipped({"__MACOSX/a.jpg": b"x"})],
    Problem.TOO_MANY: [
        zipped({f"{n}.jpg": b"" for n in range(301)}), zipped({f"{n:0200}.x": b"" for n in range(4000)}),
        b"PK\x05\x06" + b"\xff" * 18,
    ],
    Problem.UNPACKS_TOO_LARGE: [zipped({f"{n}.jpg": b"\0" * (12 * 1024 * 1024) for n in range(52)})],
}  # fmt: skip


@pytest.mark.parametrize("problem", REFUSED)
def test_a_hostile_zip_is_refused_whole_before_it_is_unpacked(problem: Problem) -> None:
    for data in REFUSED[problem]:
        with pytest.raises(Refused) as refused:
            open_zip(data)
        assert refused.value.problem is problem


def test_a_refused_zip_says_so_and_is_kept_nowhere(app: Flask, world: World) -> None:
    row = stands(world, sent(world, b"not a zip"))
    assert (row.state, row.problem) == (BatchState.UNREADABLE, Problem.NOT_A_ZIP.value)
    kept = sa.select(sa.func.count()).where(Blob.erased_at.is_(None), Blob.media_type == service.ZIP)
    assert db.session.scalar(kept) == 0
    with pytest.raises(service.ZipTooLarge):
        service.take_in("x.zip", b"\0" * (64 * 1024 * 1024 + 1), now=clock.now(), actor_id=world.hr)
