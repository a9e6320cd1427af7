"""Where authored files stand and how each becomes entries of a kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

LANGUAGES = ("zh", "en")
# The C parser reads the same safe subset ten times as fast; a build of PyYAML may lack it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One authored thing as a file holds it, before it is checked."""

    kind: str
    file: str
    body: dict[str, Any]
    media: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FileFault:
    """A file that cannot be read: where, why, and how to mend it."""

    file: str
    where: str
    reason: str
    mend: str


POLICY_FOLDERS = {
    "points": "points_policy",
    "tariff": "tariff",
    "levels": "level",
    "licences": "licence_kind",
    "jobs": "job_type",
    "roles": "role",
    "calendar": "calendar",
    "settings": "settings",
    "ladders": "career_ladder",
}


def read_all(root: Path) -> tuple[list[Entry], list[FileFault]]:
    """Read every authored file below `root`; what cannot be read is a fault with file, line, reason and mend."""
    entries: list[Entry] = []
    faults: list[FileFault] = []
    for path, kind in _files(root):
        name = path.relative_to(root).as_posix()
        try:
            entries.extend(_entries(path, name, kind))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
            faults.append(
                FileFault(
                    file=name,
                    where=where,
                    reason=str(getattr(error, "problem", error)),
                    mend="Correct the YAML there.",
                )
            )
        except FileNotFoundError as error:
            missing = Path(error.filename).relative_to(root).as_posix()
            faults.append(
                FileFault(file=name, where="the file", reason=f"{missing} is missing", mend=f"Add {missing}.")
            )
        except UnicodeDecodeError as error:
            faults.append(
                FileFault(file=name, where=f"byte {error.start}", reason="not UTF-8", mend="Save the file as UTF-8.")
            )
        except (TypeError, AttributeError, KeyError):
            faults.append(
                FileFault(
                    file=name,
                    where="the file",
                    reason="not a mapping of fields",
                    mend="Start from a file that loads.",
                )
            )
    return entries, faults


def _files(root: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(root.glob("courses/*/course.yaml")):
        yield path, "course"
    for path in sorted(root.glob("courses/*/lessons/*.yaml")):
        yield path, "lesson"
    for path in sorted(root.glob("quizzes/*/*.yaml")):
        folder = path.parent.name
        kinds = {"exams": "exam_blueprint", "scoring-sheets": "scoring_sheet", "cards": "scenario_card"}
        yield path, kinds.get(folder, "items")
    for folder, kind in POLICY_FOLDERS.items():
        for path in sorted(root.glob(f"policies/{folder}/*.yaml")):
            yield path, kind


def _entries(path: Path, name: str, kind: str) -> Iterator[Entry]:
    body = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506  # the safe subset either way
    if kind == "items":
        for item in body["items"]:
            yield Entry(kind="item", file=name, body=dict(item))
        return
    body = dict(body)
    body.setdefault("key", path.stem)
    media: dict[str, bytes] = {}
    if kind == "lesson":
        body["text"] = {
            language: path.with_name(f"{path.stem}.{language}.md").read_text(encoding="utf-8") for language in LANGUAGES
        }
        folder = path.parent.parent / "media"
        media = {file: (folder / file).read_bytes() for file in body.get("media") or []}
    yield Entry(kind=kind, file=name, body=body, media=media)
