"""What a retraining asks, as requirements, and whether this certifier may give the permit back now.

    asked = requirements(parts, lessons=("words-and-hands",), shown_with=policy.retraining)
    lines = gap(asked, evidence, since=began_at)          # from certifications/rules.py
    judge_return(lines, person_id=7, certifier_id=9, has_left=False)

Lessons come before the exam; everything has to be shown since the retraining began. A retraining needs one decision, by
somebody who neither trained nor examined the person in it: it takes nothing away, so nobody has to confirm it.
Source: the permit life cycle (retrained) and the table of who may do which step (issue the permit).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from training_app.certifications.award_rules import LeftOut, Verdict
from training_app.certifications.rules import (
    Line,
    Requirement,
    RequirementKind,
    find_conflict,
    is_complete,
)
from training_app.permits.policy_rules import Retraining, RetrainingPart

LESSON = "lesson-"


def requirements(
    parts: Iterable[RetrainingPart], *, lessons: Iterable[str], shown_with: Retraining
) -> tuple[Requirement, ...]:
    """Return the requirements of a retraining, lessons first; each lesson once, in the order given.

    Keys are "lesson-<key>" and the name of the part. The exam counts under supervision alone.
    """
    asked = set(parts)
    found = [
        Requirement(key=f"{LESSON}{lesson}", kind=RequirementKind.LESSON, ref=lesson)
        for lesson in dict.fromkeys(lessons)
    ]
    if RetrainingPart.THEORY in asked:
        found.append(_exam(shown_with))
    if RetrainingPart.PRACTICAL in asked:
        found.append(_drill(RetrainingPart.PRACTICAL, shown_with.practical, 0))
    if RetrainingPart.PANEL in asked:
        found.append(_drill(RetrainingPart.PANEL, shown_with.panel, shown_with.panel_raters))
    return tuple(found)


def _exam(shown_with: Retraining) -> Requirement:
    return Requirement(key=RetrainingPart.THEORY.value, kind=RequirementKind.EXAM, ref=shown_with.exam, supervised=True)


def _drill(part: RetrainingPart, drill: str, raters: int) -> Requirement:
    return Requirement(key=part.value, kind=RequirementKind.ROLEPLAY, ref=drill, raters=raters)


def judge_return(lines: Sequence[Line], *, person_id: int, certifier_id: int, has_left: bool) -> Verdict:
    """Tell whether this certifier may give the permit back now, and if not, why."""
    if person_id == certifier_id:
        return Verdict(why=LeftOut.ONESELF)
    if has_left:
        return Verdict(why=LeftOut.HAS_LEFT)
    if not is_complete(lines):
        return Verdict(why=LeftOut.NOT_READY, missing=tuple(one.requirement.key for one in lines if not one.is_met))
    if conflict := find_conflict(certifier_id, lines):
        return Verdict(why=LeftOut.CONFLICT, conflict=conflict)
    return Verdict(why=None)
