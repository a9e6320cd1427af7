"""Keep and read files by the hash of their bytes."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from PIL import Image, ImageFile, ImageOps
from sqlalchemy.orm import Session

from training_app.db import db, transaction, writing_session
from training_app.errors import DomainError, Invalid
from training_app.outbox import service as outbox
from training_app.storage import rules
from training_app.storage.models import Blob

_root: list[Path] = []
_keep_free: list[int] = []
KEEP_FREE = 200 * 1024 * 1024  # bytes on the disk that answers, marks and decisions can still be written to
ERASE = "storage.erase"
MAX_PIXELS = 40_000_000
PHOTO_SIDE = 640


class NotAPhoto(Invalid):
    """The file is no picture that we can read."""

    code = "not_a_photo"
    message = "This file is not a photo we can read. Choose a JPEG, PNG or WebP picture of up to 40 megapixels."


class DiskLow(DomainError):
    """So little room is left that uploads stop, before anything else has to."""

    status = 503
    code = "disk_low"
    message = (
        "The server is short of room and takes in no photos for now. Nothing was saved. Send it without the photo, or "
        "later; whoever runs the server has to make room."
    )


def use_root(path: Path, *, keep_free: int = KEEP_FREE) -> None:
    """Set the folder that holds the blobs, and how many bytes uploads leave free on its disk."""
    path.mkdir(parents=True, exist_ok=True)
    _root[:], _keep_free[:] = [path], [keep_free]


def write_photo(data: bytes, *, side: int = PHOTO_SIDE) -> tuple[str, int]:
    """Clean a photo that somebody sent and put it on disk, outside of any transaction; return its SHA-256 and size.

    `side`: the most pixels of its longer side. Raises NotAPhoto, and DiskLow before anything is written.
    """
    clean = clean_photo(data, side=side)
    if not has_room(len(clean)):
        raise DiskLow()
    return write_file(clean), len(clean)


def has_room(size: int) -> bool:
    """Tell whether an upload of `size` bytes leaves free what answers, marks and decisions need."""
    return shutil.disk_usage(_root[0]).free >= _keep_free[0] + size


def write_file(data: bytes) -> str:
    """Put the bytes on disk (whole or not at all), outside of any transaction; return their SHA-256."""
    sha256 = rules.digest(data)
    target = _root[0] / rules.relative_path(sha256)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    return sha256


def keep(sha256: str, size: int, media_type: str, *, now: datetime) -> None:
    """Record a written file in the running transaction; a known one changes nothing."""
    session = writing_session()
    row = session.get(Blob, sha256, with_for_update=True)
    if row is None:
        session.add(Blob(sha256=sha256, size=size, media_type=media_type, created_at=now))
    else:
        row.erased_at = None  # the same file, sent again
    session.flush()


def release(sha256s: Iterable[str], *, now: datetime) -> list[str]:
    """Mark files as erased that nothing refers to any more, in the running transaction; return them.

    The bytes go after the commit, by the outbox. Rows that are erased themselves (`erased_at`) no longer refer.
    """
    session = writing_session()
    session.flush()
    gone = []
    for sha256 in sorted(set(sha256s)):
        row = session.get(Blob, sha256, with_for_update=True)
        if row is not None and row.erased_at is None and not _is_referred_to(session, sha256):
            row.erased_at = now
            gone.append(sha256)
    if gone:
        outbox.send(ERASE, f"storage.erase/{gone[0]}/{now.isoformat()}", {"files": gone}, now=now)
    return gone


def _is_referred_to(session: Session, sha256: str) -> bool:
    for table in db.metadata.tables.values():
        for column in table.columns:
            if any(key.column.table.name == Blob.__tablename__ for key in column.foreign_keys):
                query = sa.select(sa.literal(1)).where(column == sha256)
                if "erased_at" in table.columns:
                    query = query.where(table.columns["erased_at"].is_(None))
                if session.scalar(query.limit(1)) is not None:
                    return True
    return False


def missing(session: Session) -> list[str]:
    """Return the files that rows name and the disk does not hold; erased ones are meant to be gone."""
    named = session.scalars(sa.select(Blob.sha256).where(Blob.erased_at.is_(None)).order_by(Blob.sha256))
    return [sha256 for sha256 in named if not (_root[0] / rules.relative_path(sha256)).is_file()]


def remove_erased(sha256s: Iterable[str]) -> int:
    """Delete the bytes of files that are still marked as erased; a repeat changes nothing. Return how many."""
    removed = 0
    with transaction() as session:
        for sha256 in sha256s:
            row = session.get(Blob, sha256, with_for_update=True)
            path = _root[0] / rules.relative_path(sha256)
            if row is not None and row.erased_at is not None and path.exists():
                path.unlink()
                removed += 1
    return removed


def names(session: Session) -> set[str]:
    """Return every file that a row names."""
    return set(session.scalars(sa.select(Blob.sha256)))


def delete(sha256s: Iterable[str]) -> None:
    """Delete the bytes of files that no row names any more, while nothing else runs."""
    for sha256 in sha256s:
        (_root[0] / rules.relative_path(sha256)).unlink(missing_ok=True)


def read(sha256: str) -> bytes:
    """Return the bytes of a blob; raises FileNotFoundError if they are gone."""
    return (_root[0] / rules.relative_path(sha256)).read_bytes()


def clean_photo(data: bytes, *, side: int = PHOTO_SIDE) -> bytes:
    """Return a picture re-encoded as JPEG: upright, metadata gone, at most `side` px a side. Raises NotAPhoto."""
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # WeasyPrint, once imported, lets half a picture pass as a whole one
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise NotAPhoto()
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except NotAPhoto:
        raise
    except Exception as error:  # a damaged file makes the library stumble over anything, also TypeError, struct.error
        raise NotAPhoto() from error
    upright.thumbnail((side, side))
    upright.info.clear()  # else the comment of a JPEG, and whatever a library comes to carry over, goes on into ours
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=86)
    return out.getvalue()
