"""The form of an improvement plan: as many goals as the settings allow, each with its own fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, Field, HiddenField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from training_app.calendar.forms import InOurTime, WordsField
from training_app.roleplay.improvement_rules import AIM_MAX, STEPS_MAX, Goal, GoalFault, PlanFaults, PlanTerms

_FIELD_OF: Mapping[GoalFault, str] = {
    GoalFault.UNKNOWN_CRITERION: "criterion", GoalFault.NO_AIM: "aim", GoalFault.NO_STEPS: "steps",
    GoalFault.NO_DAY: "by", GoalFault.DAY_PASSED: "by", GoalFault.DAY_TOO_FAR: "by",
}  # fmt: skip
FAULTS: Mapping[GoalFault, object] = {
    GoalFault.UNKNOWN_CRITERION: _l("Choose what the goal is about."),
    GoalFault.NO_AIM: _l("Write how one will see that you reached it."),
    GoalFault.NO_STEPS: _l("Write what you will do for it."),
    GoalFault.NO_DAY: _l("Enter by which day."),
    GoalFault.DAY_PASSED: _l("This day has passed. Enter today or a later day."),
    GoalFault.DAY_TOO_FAR: _l("Enter a day within a year."),
}


class PlanGoalsForm(FlaskForm):
    """What every form of a plan has beside its goals; `numbers` are those of its goals, 1, 2, 3 …"""

    numbers: Sequence[int] = ()
    seen = HiddenField()
    version = HiddenField()

    def goals(self) -> list[Goal]:
        """Return the goals as they were typed, blank ones too, so that each keeps its place."""
        return [
            Goal(
                criterion=self[f"criterion_{n}"].data or "", aim=(self[f"aim_{n}"].data or "").strip(),
                steps=(self[f"steps_{n}"].data or "").strip(), by=self[f"by_{n}"].data,
            )
            for n in self.numbers
        ]  # fmt: skip

    def fields_of(self, number: int) -> list[Field]:
        """Return the fields of one goal."""
        return [self[f"{name}_{number}"] for name in ("criterion", "aim", "steps", "by")]

    def explain(self, faults: PlanFaults) -> None:
        """Write what is to be mended beside its fields."""
        for place, found in faults.goals.items():
            for fault in found:
                field = self[f"{_FIELD_OF[fault]}_{self.numbers[place]}"]
                field.errors = [*field.errors, FAULTS[fault]]


def plan_form(
    terms: PlanTerms, criteria: Sequence[tuple[str, str]], goals: Sequence[Goal], *, least: int = 0, **hidden: int
) -> PlanGoalsForm:
    """Return a form for a plan, filled with goals; where there are none, the first criteria are proposed.

    It takes as many goals as the settings allow, as there are, or `least`, whichever is most.
    """
    numbers = range(1, max(terms.most, len(goals), least) + 1)
    fields: dict[str, object] = {"numbers": tuple(numbers)}
    for n in numbers:
        fields[f"criterion_{n}"] = SelectField(
            _l("Goal %(number)s is about", number=n), choices=[SelectChoice(key, words) for key, words in criteria]
        )
        fields[f"aim_{n}"] = WordsField(_l("Goal %(number)s: how one will see it", number=n), [Length(max=AIM_MAX)])
        fields[f"steps_{n}"] = WordsField(_l("Goal %(number)s: what I do", number=n), [Length(max=STEPS_MAX)])
        fields[f"by_{n}"] = DateField(_l("Goal %(number)s: by", number=n), [Optional(), InOurTime()])
    filled = {
        f"{name}_{n}": value
        for n, goal in zip(numbers, goals, strict=False)
        for name, value in (("criterion", goal.criterion), ("aim", goal.aim), ("steps", goal.steps), ("by", goal.by))
    }
    proposed = {f"criterion_{n}": criteria[(n - 1) % len(criteria)][0] for n in numbers}
    made: PlanGoalsForm = type("PlanForm", (PlanGoalsForm,), fields)(**{**proposed, **filled, **hidden})
    return made


class AnswerForm(FlaskForm):
    """A trainer's answer to a version."""

    outcome = RadioField(
        _l("Can it be done as written?"), [InputRequired(_l("Choose one."))],
        choices=[SelectChoice("approve", _l("Yes: approve the plan")),
                 SelectChoice("send_back", _l("Not yet: send it back"))],
    )  # fmt: skip
    words = WordsField(_l("What you say to it"), [Length(max=2000)])
    version = HiddenField()
