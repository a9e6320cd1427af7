"""Keep and read files by the hash of their bytes."""

from __future__ import annotations

import io
import os
import tempfile
from datetime import datetime
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from training_app.db import writing_session
from training_app.errors import Invalid
from training_app.storage import rules
from training_app.storage.models import Blob

_root: list[Path] = []
MAX_PIXELS = 40_000_000
PHOTO_SIDE = 640


class NotAPhoto(Invalid):
    """The file is no picture that we can read."""

    code = "not_a_photo"
    message = "This file is not a photo we can read. Choose a JPEG, PNG or WebP picture of up to 40 megapixels."


def use_root(path: Path) -> None:
    """Set the folder that holds the blobs."""
    path.mkdir(parents=True, exist_ok=True)
    _root[:] = [path]


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
    if session.get(Blob, sha256) is None:
        session.add(Blob(sha256=sha256, size=size, media_type=media_type, created_at=now))
        session.flush()


def read(sha256: str) -> bytes:
    """Return the bytes of a blob; raises FileNotFoundError if they are gone."""
    return (_root[0] / rules.relative_path(sha256)).read_bytes()


def clean_photo(data: bytes) -> bytes:
    """Return a portrait re-encoded as JPEG: upright, metadata gone, at most 640 px a side. Raises NotAPhoto."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise NotAPhoto()
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NotAPhoto() from error
    upright.thumbnail((PHOTO_SIDE, PHOTO_SIDE))
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=86)
    return out.getvalue()
