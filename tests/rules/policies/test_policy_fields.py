"""The form of a policy: every field of the engine has its input, and a form read back is the body it came from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rules.permits.law_cases import LAWS
from training_app.permits.policy_body_rules import read_policy
from training_app.policies.diff_rules import differences
from training_app.policies.field_rules import (
    POLICY,
    SECTIONS,
    Field,
    Kind,
    Rows,
    changed,
    folded,
    get_path,
    is_asked,
    place_of,
    read_fields,
    unfolded,
)

ROOT = Path(__file__).resolve().parents[3]
STANDARD = yaml.safe_load((ROOT / "policies/points/standard.yaml").read_text(encoding="utf-8"))
BODIES = {
    "standard": STANDARD,
    **{
        name: yaml.safe_load((ROOT / f"tests/rules/permits/laws/{name}.yaml").read_text(encoding="utf-8"))
        for name in LAWS
    },
}
OPTIONS = {
    "tariffs": ("standard",), "exams": ("onboarding",), "drills": ("first_arrival", "complaint"),
    "codes": ("promise-broken", "unsafe-work"), "lessons": ("danger-first", "promises-that-hold"),
}  # fmt: skip


def typed(body: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the form as a browser would send it back untouched."""
    fields, form = unfolded(body), dict[str, list[str]]()

    def put(part: Field, name: str, value: Any) -> None:
        if part.kind is Kind.FLAG:
            form[name] = ["1"] if value else []
        elif isinstance(value, list):
            form[name] = [str(one) for one in value]
        else:
            form[name] = ["" if value is None else str(value)]

    for parts in POLICY.values():
        for part in parts:
            if isinstance(part, Field):
                put(part, part.path, get_path(fields, part.path))
                continue
            for number, row in enumerate(get_path(fields, part.path) or []):
                for one in part.fields:
                    put(one, f"{part.path}-{number}-{one.path}", row.get(one.path))
    return form


@pytest.mark.parametrize("name", BODIES)
def test_a_form_sent_back_untouched_changes_nothing_that_counts(name: str) -> None:
    body = BODIES[name]
    parts = [part for section, some in POLICY.items() if section != "names" for part in some if part.path != "tariff"]
    read = read_fields(parts, typed(body), {**OPTIONS, "codes": tuple(body["merit"].get("exclusions") or ())})
    assert read.errors == {}
    again = folded(changed(unfolded(body), read.values))
    assert read_policy(again) == read_policy(body)
    assert differences("points_policy", body, again) == ()


def test_every_field_of_the_policy_table_has_an_input() -> None:
    asked = {part.path.split(".")[0] for parts in POLICY.values() for part in parts}
    fixed = {
        "key", "author", "reviewer", "examples",  # signed, or on pages of their own
        "exists_when", "membership_date", "election",  # the procedure carries out one value, and refuses others
    }  # fmt: skip
    assert set(STANDARD) - fixed <= asked


def test_what_does_not_belong_to_the_window_goes_out_of_the_body() -> None:
    form = typed(STANDARD) | {
        "window.kind": ["per_entry"], "window.lengths-0-points": ["1"], "window.lengths-0-months": ["12"]
    }  # fmt: skip
    read = read_fields(POLICY["window"], form, OPTIONS)
    body = folded(changed(unfolded(STANDARD), read.values))
    assert body["window"] == {"kind": "per_entry", "from_existence": False, "lengths": [{"points": 1, "months": 12}]}
    assert body["carry"] == "none"
    assert read_policy(body).window.lengths[0].months == 12


@pytest.mark.parametrize("text", ["", " ", "-1", "0", "1_0", "１２", "9" * 40, "1e9", "<b>", "12.5"])
def test_a_figure_that_is_none_is_refused_at_its_input(text: str) -> None:
    read = read_fields(POLICY["points"], typed(STANDARD) | {"limit": [text]}, OPTIONS)
    assert set(read.errors) == {"limit"}


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("stages[1].reduce_to", ("stages", "stages-1-reduce_to")),
        ("window.lengths", ("window", "window.lengths")),
        ("merit.clean", ("merit", "merit.clean.months")),
        ("zone", ("procedure", "zone")),
        ("examples[0].history[2].code", ("examples", "examples-0-history-2-code")),
        ("no_such", ("", "")),
    ],
)
def test_what_the_engine_refuses_is_found_at_its_input(field: str, place: tuple[str, str]) -> None:
    assert place_of("points_policy", field) == place


def test_differences_are_told_field_by_field_and_row_by_row() -> None:
    new = STANDARD | {"limit": 10, "stages": STANDARD["stages"][:2], "examples": STANDARD["examples"][1:]}
    found = {
        (one.section, one.path, one.row): (one.before, one.after) for one in differences("points_policy", STANDARD, new)
    }
    assert found["points", "limit", ""] == (12, 10)
    assert found["stages", "stages", "3"][1] is None
    assert [section for section, _path, _row in found].count("examples") == 1


def test_no_two_parts_of_a_form_are_called_the_same() -> None:
    for sections in SECTIONS.values():
        paths = [part.path for parts in sections.values() for part in parts]
        assert len(paths) == len(set(paths))
        for parts in sections.values():
            for part in parts:
                assert not isinstance(part, Rows) or is_asked(part, lambda _path: "cycle") in (True, False)
