"""What the checker of career ladders accepts and refuses, and what the shipped ladders say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from training_app.careers.content import CareerLadder, cross_check
from training_app.content.sources import Entry, read_all

FOLDER = Path(__file__).parents[3] / "policies" / "ladders"


def shipped(name: str) -> dict[str, Any]:
    body: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return body


def test_three_ladders_are_shipped_apart_and_every_reference_exists() -> None:
    entries, faults = read_all(FOLDER.parents[1])
    ladders = [one for one in entries if one.kind == "career_ladder"]
    assert [len(CareerLadder.model_validate(one.body).steps) for one in ladders] == [3, 4, 4]
    assert not faults
    assert not cross_check(entries)


def test_only_what_the_field_prints_is_marked_so() -> None:
    printed = {
        (name, one["kind"])
        for name in ("time-stages", "titles", "skill-levels")
        for step in shipped(name)["steps"]
        for one in step["asks"]
        if one["origin"] == "field"
    }
    assert printed == {("time-stages", "level"), ("time-stages", "step"), ("skill-levels", "level")}
    standings = [one for step in shipped("titles")["steps"] for one in step["asks"] if one["kind"] == "standing"]
    assert {one["origin"] for one in standings} == {"inferred"}


def test_the_years_of_neighbouring_stages_overlap() -> None:
    years = [CareerLadder.model_validate(shipped("time-stages")).steps[i].years for i in range(4)]
    assert [(one.from_, one.to) for one in years if one] == [(1, 2), (2, 4), (4, 6), (6, None)]


def test_years_that_run_backwards_are_refused() -> None:
    body = shipped("time-stages")
    body["steps"][0]["years"] = {"from": 4, "to": 2}
    with pytest.raises(ValidationError, match="the years end before they begin"):
        CareerLadder.model_validate(body)


def test_a_step_that_asks_for_something_unknown_is_a_problem_with_its_place() -> None:
    body = shipped("titles")
    body["steps"][0]["asks"][0]["ref"] = "nowhere"
    found = cross_check([Entry(kind="career_ladder", body=body, file="policies/ladders/titles.yaml")])
    assert "titles.steps.0.asks.0.ref" in {one.where for one in found}


def test_a_gate_names_a_step_that_another_ladder_has() -> None:
    body = shipped("time-stages")
    alone = [Entry(kind="career_ladder", body=body, file="policies/ladders/time-stages.yaml")]
    assert "time-stages.steps.1.asks.0.ref" in {one.where for one in cross_check(alone)}
