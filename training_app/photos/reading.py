"""Read a zip that somebody sent, without trusting it: nothing is unpacked to disk, every size is bounded beforehand.

archive = open_zip(data)        # raises Refused
archive.read(archive.files[0])  # bytes of one photo; raises FileRefused
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass

from training_app.photos.rules import (
    MOST_DIRECTORY,
    MOST_FILES,
    MOST_PHOTO_BYTES,
    MOST_UNPACKED,
    ItemState,
    Problem,
    is_picture,
)

_END = b"PK\x05\x06"
_END_SIZE = 22
_MOST_COMMENT = 65_535
_ENCRYPTED, _UTF8 = 0x1, 0x800
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack further than anything a camera sends


class Refused(ValueError):
    """The zip as a whole."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class FileRefused(ValueError):
    """One file in it."""

    def __init__(self, state: ItemState) -> None:
        super().__init__(state.value)
        self.state = state


@dataclass(frozen=True)
class Archive:
    """The pictures of a zip, in its order; paths as their maker wrote them."""

    zip: zipfile.ZipFile
    files: list[zipfile.ZipInfo]

    def read(self, file: zipfile.ZipInfo) -> bytes:
        """Return the bytes of one file, never more than a photo may have."""
        if file.flag_bits & _ENCRYPTED:
            raise FileRefused(ItemState.LOCKED)
        if file.compress_type not in _PLAIN:
            raise FileRefused(ItemState.NOT_A_PHOTO)
        if file.file_size > MOST_PHOTO_BYTES:
            raise FileRefused(ItemState.TOO_LARGE)
        try:
            with self.zip.open(file) as opened:
                data = opened.read(MOST_PHOTO_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
            raise FileRefused(ItemState.NOT_A_PHOTO) from error
        if len(data) > MOST_PHOTO_BYTES:
            raise FileRefused(ItemState.TOO_LARGE)
        return data


def open_zip(data: bytes) -> Archive:
    """Look at the table of contents; raises Refused before any of it is unpacked."""
    _check_directory(data)
    try:
        opened = zipfile.ZipFile(io.BytesIO(data))
        files = [info for info in opened.infolist() if not info.is_dir() and is_picture(path_of(info))]
    except (zipfile.BadZipFile, struct.error, ValueError, UnicodeDecodeError, OSError, NotImplementedError) as error:
        raise Refused(Problem.NOT_A_ZIP) from error
    if not files:
        raise Refused(Problem.NO_PICTURES)
    if len(files) > MOST_FILES:
        raise Refused(Problem.TOO_MANY)
    if sum(min(info.file_size, MOST_PHOTO_BYTES) for info in files) > MOST_UNPACKED:
        raise Refused(Problem.UNPACKS_TOO_LARGE)
    return Archive(opened, files)


def path_of(info: zipfile.ZipInfo) -> str:
    """Return the path of a file; zips packed under a Chinese Windows say nothing of their letters, and use GBK."""
    if info.flag_bits & _UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gbk")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return info.filename


def _check_directory(data: bytes) -> None:
    """Refuse a table of contents that would take more memory than all photos: it is read whole and at once."""
    at = data.rfind(_END, max(0, len(data) - _END_SIZE - _MOST_COMMENT))
    if at < 0 or len(data) < at + _END_SIZE:
        raise Refused(Problem.NOT_A_ZIP)
    entries, size = struct.unpack_from("<HI", data, at + 10)
    if size > MOST_DIRECTORY or entries == 0xFFFF:
        raise Refused(Problem.TOO_MANY)
