"""What an annual review asks, as requirements, and whether this certifier may decide it now.

    lines = gap(requirements(due.asked), evidence, since=due.opens_at)     # from certifications/rules.py
    judge_review(lines, person_id=7, certifier_id=9, has_left=False, points=4, review=policy.review)

Only work inside the window renews, so everything has to be shown since it opened. One decision suffices, by somebody
who neither trained nor examined the person in it. With more points than the policy lets pass, the permit is renewed
with a condition only, which is written for one person and never for a list.
Source: the permit life cycle (annual review) and the table of who may do which step (issue the permit).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from training_app.certifications.award_rules import LeftOut, Verdict
from training_app.certifications.retraining_rules import LESSON
from training_app.certifications.rules import Line, Requirement, RequirementKind, find_conflict, is_complete
from training_app.permits.policy_rules import Review
from training_app.permits.review_rules import Asked, needs_condition

EXAM, OBSERVATION = "theory", "observation"


def requirements(asked: Asked, *, lessons: Iterable[str]) -> tuple[Requirement, ...]:
    """Return the requirements of a review, lessons first; `lessons`: those of them that a course still has."""
    known = set(lessons)
    found = [
        Requirement(key=f"{LESSON}{lesson}", kind=RequirementKind.LESSON, ref=lesson)
        for lesson in asked.lessons
        if lesson in known
    ]
    if asked.exam is not None:
        found.append(Requirement(key=EXAM, kind=RequirementKind.EXAM, ref=asked.exam, supervised=True))
    if asked.drill is not None:
        found.append(Requirement(key=OBSERVATION, kind=RequirementKind.ROLEPLAY, ref=asked.drill))
    return tuple(found)


def judge_review(
    lines: Sequence[Line], *, person_id: int, certifier_id: int, has_left: bool, points: int, review: Review,
    on_its_own: bool, was_refused: bool,
) -> Verdict:  # fmt: skip
    """Tell whether this certifier may decide the review now, and if not, why.

    `on_its_own`: the person was opened and is decided on alone, where a condition can be set.
    """
    if person_id == certifier_id:
        return Verdict(why=LeftOut.ONESELF)
    if has_left:
        return Verdict(why=LeftOut.HAS_LEFT)
    if not is_complete(lines):
        return Verdict(why=LeftOut.NOT_READY, missing=tuple(one.requirement.key for one in lines if not one.is_met))
    if conflict := find_conflict(certifier_id, lines):
        return Verdict(why=LeftOut.CONFLICT, conflict=conflict)
    if was_refused and not on_its_own:
        return Verdict(why=LeftOut.REFUSED)
    if needs_condition(review, points) and not on_its_own:
        return Verdict(why=LeftOut.CONDITION)
    return Verdict(why=None)
