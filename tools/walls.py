"""Walls between files: check "file | may import" of docs/architecture.md, room by room.

import-linter checks the order of the rooms; this checks what each kind of file may know, whatever its room.
A file's kind is its name: rules.py and *_rules.py are rules, and so on; any other file of a room is a helper
of that room and may know what a service may know.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "training_app"
BASE = {"clock", "errors", "settings", "db", "triggers", "mail", "sweeping", "erasing", "logs", "glyphs"}
WIRING = {
    "app",
    "cli",
    "rooms",
    "start",
    "backup",
    "supervisor",
    "chain",
    "demo",
    "demo_beginners",
    "demo_cases",
    "demo_lives",
    "demo_making",
    "demo_names",
    "demo_people",
    "demo_removal",
    "demo_roster",
    "demo_stories",
    "demo_today",
    "wiring",
    "styleguide",
    "intake",
    "page_script",
    "permit_commands",
}
WEB = "web"  # what every page shares: known to views and wiring only
KINDS = ("rules", "models", "queries", "service", "forms", "views", "content", "events", "handlers", "tasks")
HELPER = "helper"
PAGES = frozenset({"flask", "flask_login", "flask_wtf", "wtforms", "flask_limiter", "werkzeug"})
WORDS = frozenset({"flask_babel", "babel"})
DATABASE = frozenset({"sqlalchemy", "flask_sqlalchemy", "alembic", "psycopg", "sqlite3", "redis", "huey"})
EXCEPTIONS = {
    ("jobs/service.py", "clock"): "the length of a job is measured while it runs",
    ("credentials/counting.py", "clock"): "the limiter calls it, and gives no time",
}
WRITES = frozenset({"transaction", "writing_session"})  # names of db.py that open or join a write


@dataclass(frozen=True)
class Wall:
    """What one kind of file may import: kinds of its own room and of rooms above, base modules, packages."""

    own: frozenset[str]
    above: frozenset[str]
    base: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    only: frozenset[str] | None = None  # besides the standard library; None: whatever is not refused
    why: str = ""


def _set(*names: str) -> frozenset[str]:
    return frozenset(names)


_SERVES = _set("models", "queries", "service", "rules", "events", "content", HELPER)
WALLS = {
    "rules": Wall(
        own=_set("rules"),
        above=_set("rules"),
        only=_set("numpy"),
        why="rules are pure: the standard library, numpy for statistics, other rules",
    ),
    "models": Wall(
        own=_set("models", "rules"),
        above=_set("models", "rules"),
        base=_set("db"),
        refused=PAGES | WORDS,
        why="models know db, rules and models above",
    ),
    "queries": Wall(
        own=_set("models", "rules", "queries", HELPER),
        above=_set("models", "rules", "queries"),
        base=_set("db", "errors"),
        refused=PAGES | WORDS,
        why="queries read models and rules and never write",
    ),
    "service": Wall(
        own=_SERVES,
        above=_SERVES,
        base=_set("db", "errors", "settings", "erasing"),
        refused=PAGES,
        why="a service knows models, queries, rules, db and services above; `now` is an argument",
    ),
    HELPER: Wall(
        own=_SERVES,
        above=_SERVES,
        base=_set("db", "errors", "settings", WEB),  # words for pages and mails share web's
        why="a helper knows what a service knows; `now` is an argument",
    ),
    "forms": Wall(
        own=_set("rules", "forms"),
        above=_set("rules", "forms"),
        refused=DATABASE,
        why="forms know WTForms and rules; choices are handed in",
    ),
    "views": Wall(
        own=_set("forms", "queries", "service", "rules", "views", HELPER),
        above=_set("forms", "queries", "service", "rules", HELPER),
        base=_set("clock", "errors", WEB),
        refused=DATABASE,
        why="views know forms, queries, service, clock, errors and web; neither models nor db",
    ),
    "content": Wall(
        own=_set("rules", "content", HELPER),
        above=_set("rules", "content", HELPER),
        refused=PAGES | DATABASE,
        why="checkers of content know pydantic and rules",
    ),
    "events": Wall(own=_set("rules"), above=_set("rules"), only=_set("blinker"), why="events are declared, no more"),
    "handlers": Wall(
        own=_SERVES,
        above=_set("events", "service", "queries", "rules", HELPER),
        base=_set("db", "errors"),
        refused=PAGES,
        why="handlers know their own room, and events and services of rooms above",
    ),
    "tasks": Wall(
        own=_SERVES,
        above=_set("events", "service", "queries", "rules", HELPER),
        base=_set("db", "errors", "clock", "settings", "mail", "sweeping", "erasing"),
        why="tasks know their own room, and services of rooms above",
    ),
}


@dataclass(frozen=True)
class Import:
    """One imported module and the names taken from it."""

    module: str
    line: int
    names: tuple[str, ...] = field(default=())


def imports_of(path: Path, package: str) -> Iterator[Import]:
    """Yield what a file imports, wherever it stands in it; `package` resolves relative imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                parts = package.split(".")
                module = ".".join([*parts[: len(parts) - node.level + 1], *([module] if module else [])])
            yield Import(module, node.lineno, tuple(alias.name for alias in node.names))


def kind_of(stem: str) -> str:
    for kind in KINDS:
        if stem == kind or stem.endswith(f"_{kind}"):
            return kind
    return HELPER


def rooms_in_order(root: Path) -> list[str]:
    """Return the rooms as the wiring loads them, read without importing."""
    for node in ast.walk(ast.parse((root / PACKAGE / "rooms.py").read_text())):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "ROOMS" for t in node.targets):
            rooms: tuple[str, ...] = ast.literal_eval(node.value)
            return list(rooms)
    raise SystemExit(f"{PACKAGE}/rooms.py no longer has ROOMS")


def targets(found: Import, rooms: list[str]) -> Iterator[tuple[str, str]]:
    """Yield (room or "", module) for each of our own modules that an import names."""
    parts = found.module.split(".")[1:]
    if not parts:  # from training_app import clock
        for name in found.names:
            yield "", name
    elif parts[0] not in rooms:
        yield "", parts[0]
    elif len(parts) == 1:  # from training_app.accounts import queries, service
        for name in found.names or ("__init__",):
            yield parts[0], name
    else:
        yield parts[0], parts[1]


def faults_of_file(path: Path, room: str, rooms: list[str]) -> Iterator[tuple[int, str]]:
    """Yield (line, fault) for each import of a room's file that its kind does not allow."""
    kind = kind_of(path.stem)
    wall = WALLS[kind]
    for found in imports_of(path, f"{PACKAGE}.{room}"):
        top = found.module.split(".")[0]
        if top != PACKAGE:
            known = top in sys.stdlib_module_names and top not in DATABASE
            if top in wall.refused or (wall.only is not None and not known and top not in wall.only):
                yield found.line, f"imports {top}; {wall.why}"
            continue
        if kind == "queries" and found.module == f"{PACKAGE}.db" and (writes := WRITES & set(found.names)):
            yield found.line, f"imports {', '.join(sorted(writes))}; {wall.why}"
        for other, name in targets(found, rooms):
            if not other:
                if name not in wall.base and (f"{room}/{path.name}", name) not in EXCEPTIONS:
                    yield found.line, f"imports {name}; {wall.why}"
            elif other == room:
                if kind_of(name) not in wall.own:
                    yield found.line, f"imports its room's {name}; {wall.why}"
            elif rooms.index(other) > rooms.index(room):
                yield found.line, f"imports {other}, a room below; send an event or an outbox row instead"
            elif kind_of(name) not in wall.above:
                yield found.line, f"imports {other}.{name}; {wall.why}"


def check(root: Path) -> list[str]:
    """Return a line for each import through a wall, and for lists of rooms that differ."""
    rooms = rooms_in_order(root)
    faults = list(room_lists(root, rooms))
    for path in sorted((root / PACKAGE).rglob("*.py")):
        name = path.relative_to(root).as_posix()
        parts = path.relative_to(root / PACKAGE).parts
        if path.name == "__init__.py":
            faults += [f"{name}:{one.line}: imports {one.module}; a package imports nothing by itself"
                       for one in imports_of(path, PACKAGE) if one.module != "__future__"]  # fmt: skip
        elif len(parts) > 1 and parts[0] in rooms:
            faults += [f"{name}:{line}: {fault}" for line, fault in faults_of_file(path, parts[0], rooms)]
        elif len(parts) > 1:
            faults.append(f"{name}: {parts[0]} is no room; add it to {PACKAGE}/rooms.py and docs/architecture.md")
        elif path.stem in BASE:
            faults += list(base_faults(path, name))
        elif path.stem != WEB and path.stem not in WIRING:
            faults.append(f"{name}: belongs to no room; give it one, or name it in tools/walls.py")
    return faults


def base_faults(path: Path, name: str) -> Iterator[str]:
    for found in imports_of(path, PACKAGE):
        if found.module.split(".")[0] == PACKAGE:
            for room, module in targets(found, []):
                if room or module not in BASE:
                    yield f"{name}:{found.line}: imports {module}; the base knows no room"


def room_lists(root: Path, rooms: list[str]) -> Iterator[str]:
    """Compare the lists of rooms: the wiring's, the one import-linter checks, the one people read."""
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(one["layers"] for one in settings["contracts"] if one["type"] == "layers")
    linted = [layer.removeprefix(f"{PACKAGE}.") for layer in layers if ":" not in layer][::-1]
    if linted != rooms:
        yield f"pyproject.toml: the layers are not the rooms of {PACKAGE}/rooms.py from the bottom up"
    page = (root / "docs" / "architecture.md").read_text()
    table = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    if [room for room in table if room in rooms] != rooms:
        yield f"docs/architecture.md: the table of rooms is not in the order of {PACKAGE}/rooms.py"
    for room in rooms:
        if not (root / PACKAGE / room / "__init__.py").is_file():
            yield f"{PACKAGE}/{room}: has no __init__.py"


def main(root: Path = ROOT) -> int:
    faults = check(root)
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        print(f"walls: {len(faults)} imports through a wall", file=sys.stderr)
        return 1
    print("walls: every file imports what its kind may")
    return 0


if __name__ == "__main__":
    sys.exit(main())
