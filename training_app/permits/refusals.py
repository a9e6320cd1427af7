"""What people are told when a rule refuses a step: each machine code has its status and its sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from training_app.errors import DomainError, Forbidden, Invalid, SamePerson
from training_app.permits.base_rules import RuleError


class StepNotOpen(DomainError):
    """The table of moves has no such step from here."""

    code = "illegal_move"
    message = (
        "This step is not open any more: the matter has moved on since the page was loaded. "
        "Load the page again to see how it stands."
    )


class OwnCase(SamePerson):
    """The holder would act on their own matter."""

    message = "This is about yourself. Another person has to take this step."


class OwnReport(SamePerson):
    """The reporter would act on what they reported."""

    message = "You reported this case. Another person has to take this step."


class OwnDecision(SamePerson):
    """Who decided would check their own decision."""

    message = "You decided here before. Another person has to take this step."


class OwnConfirmation(SamePerson):
    """Who confirmed would check their own confirmation."""

    message = "You confirmed this before. Another person has to take this step."


class HolderOnly(Forbidden):
    """Only the holder may take the step."""

    code = "not_the_holder"
    message = "Only the holder of the permit can take this step."


class ReasonNeeded(Invalid):
    """Words are missing."""

    code = "reason_missing"
    message = "Give the reason in words. The person concerned reads it."


class EvidenceNeeded(Invalid):
    """Evidence is missing."""

    code = "evidence_missing"
    message = "Describe what shows it, or add a photo. Without evidence nothing can be reported."


class NotServedYet(DomainError):
    """What must be served first was not."""

    code = "not_served"
    message = "The person concerned has not been told yet, so no time is running. Serve it first."


class StillRunning(DomainError):
    """A deadline is not over."""

    code = "clock_running"
    message = "The time to answer still runs, until %(until)s. Decide after that, or once the answer is here."


class TimeOver(DomainError):
    """A deadline is over."""

    code = "too_late"
    message = "The time for this was over on %(until)s. HR can tell you whether there is still a way."


class PointsDoNotFit(Invalid):
    """The points do not fit the outcome."""

    code = "points_refused"
    message = "Points from %(least)s to %(most)s fit this outcome; %(points)s do not."


class CodeUnknown(Invalid):
    """The tariff of that day has no such code."""

    code = "code_not_in_tariff"
    message = "On that day the tariff had no such breach. Choose another one, or check the day."


class TooSoon(Invalid):
    """Another reward lies nearer than the policy allows."""

    code = "reward_too_soon"
    message = (
        "A reward of %(other)s lies nearer than %(days)s days. Two rewards lie at least that far apart; "
        "from %(next)s on another one can be recorded."
    )


class NoStudy(Invalid):
    """The lesson wins nothing back now."""

    code = "no_study"
    message = "This lesson wins no points back now. Load the page again to see what can be studied."


class StudyOpen(DomainError):
    """A chosen lesson is not done yet."""

    code = "study_open"
    message = "You chose a lesson already. Finish it first; then you can choose another one."


class TooLongAgo(Invalid):
    """The limitation is over."""

    code = "limitation_over"
    message = "This happened too long ago: it could be reported until %(until)s."


class ReopeningTooLate(DomainError):
    """The limitation is over, and the case could become worse."""

    code = "reopening_over"
    message = "This happened too long ago. A case that could become worse could be opened again until %(until)s."


class InTheFuture(Invalid):
    """The occurrence is still to come."""

    code = "not_yet_occurred"
    message = "The time lies in the future. Check day and time."


class StopChanged(DomainError):
    """Between the page and its click a stop was imposed or ended."""

    code = "interim_stop_changed"
    message = "The stop for safety has changed since this page was opened, by you or a colleague. Look at it again."


class StopUsedUp(DomainError):
    """The interim stop was renewed as often as may be."""

    code = "interim_stop_used_up"
    message = "The stop was renewed as often as may be (%(renewals)s). Now the case itself has to be decided."


class StopDay(Invalid):
    """The last day of a stop lies outside of what the policy allows."""

    code = "interim_stop_day"
    message = "The last day has to lie between %(least)s and %(most)s."


class NoReviewer(Invalid):
    """Who is to review a stop may not, or is the holder or who stops."""

    code = "no_reviewer"
    message = "Choose somebody from the list who reviews the stop: another person who decides cases here."


class NoPermit(DomainError):
    """The person has no permit to which this could belong."""

    code = "no_permit"
    message = "This person has no work permit yet, so nothing can be entered on it."


class BeforePermit(Invalid):
    """It happened before the permit was first issued."""

    code = "before_permit"
    message = "This happened before the permit was first issued, on %(until)s, so it cannot be entered on it."


class PermitNotRunning(DomainError):
    """The state of the permit does not allow the step."""

    code = "permit_not_running"
    message = "The permit of this person is not in force now, so this step would change nothing."


_ROLES: dict[str, type[DomainError]] = {
    "holder": OwnCase,
    "reporter": OwnReport,
    "decider": OwnDecision,
    "confirmer": OwnConfirmation,
}
_BY_CODE: dict[str, type[DomainError]] = {
    one.code: one
    for one in (
        StepNotOpen,
        HolderOnly,
        ReasonNeeded,
        EvidenceNeeded,
        NotServedYet,
        StillRunning,
        TimeOver,
        PointsDoNotFit,
        CodeUnknown,
        TooLongAgo,
        ReopeningTooLate,
        InTheFuture,
        StopUsedUp,
        StopDay,
    )
}


def refusal(error: RuleError) -> DomainError:
    """Return the error that people are told for one of the rules; its values go along."""
    if error.code == "same_person":
        return _ROLES[str(error.values["role"])](**error.values)
    return _BY_CODE.get(error.code, StepNotOpen)(**error.values)


@contextmanager
def worded() -> Iterator[None]:
    """Turn what the rules refuse inside into errors that people can read."""
    try:
        yield
    except RuleError as error:
        raise refusal(error) from error
