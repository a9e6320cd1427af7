"""The rooms from the top, and the parts of them that the wiring loads."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

ROOMS = (
    "audit",
    "demonstration",
    "outbox",
    "storage",
    "jobs",
    "content",
    "calendar",
    "access",
    "accounts",
    "courses",
    "items",
    "exams",
    "roleplay",
    "permits",
    "certifications",
    "licences",
    "careers",
    "status",
    "credentials",
    "notices",
    "policies",
    "dashboards",
    "figures",
    "roster",
    "photos",
    "home",
    "api",
)


def parts(name: str) -> list[ModuleType]:
    """Import and return the module `name` (models, views, handlers, tasks, content …) of every room that has it."""
    return [import_module(f"training_app.{room}.{name}") for room in ROOMS if find_spec(f"training_app.{room}.{name}")]
