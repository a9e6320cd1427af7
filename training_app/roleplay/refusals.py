"""What role-play refuses, in words."""

from __future__ import annotations

from collections.abc import Sequence

from training_app.errors import DomainError, Forbidden, Invalid, SamePerson
from training_app.roleplay.improvement_rules import PlanFaults
from training_app.roleplay.rules import Missing


class NoCard(Invalid):
    """No card of the drill is in force."""

    code = "no_card"
    message = "There is no card of this drill in force. Choose the other drill, or have a card published first."


class UnknownPart(Invalid):
    """A part that the card does not have."""

    code = "unknown_part"
    message = "This card has no such part. Choose one of the parts that the list offers."


class NotARater(Invalid):
    """A rater who may not grade the learner."""

    code = "not_a_rater"
    message = "A rater has to be a trainer who reaches the learner. Choose a trainer of this unit, or another part."


class LeaderLearns(SamePerson):
    """The leader cannot be the one who is scored."""

    code = "leader_learns"
    message = "Who leads the session cannot be its learner. Choose another part, or let another trainer lead."


class Begun(DomainError):
    """The session has begun or is over."""

    code = "begun"
    message = "The session has already begun or is over, so this can no longer be changed."


class HasSheets(DomainError):
    """A part that a score sheet depends on."""

    code = "has_sheets"
    message = "There is already a score sheet about this person or by this rater, so the part stays as it was."


class NotYet(DomainError):
    """A move that another one has to come before."""

    code = "not_yet"
    message = "The session is not at this step. Load the page again to see where it stands."


class NobodyToScore(Invalid):
    """A session without a learner."""

    code = "nobody_to_score"
    message = "Add at least one learner before the session starts."


class NotBegun(DomainError):
    """A sheet before the start."""

    code = "not_begun"
    message = "A score sheet can be opened once the session has started."


class NotYourSession(Forbidden):
    """Only the leader may do this."""

    code = "not_your_session"
    message = "Only the trainer who leads the session can release its result."


class RatesOneself(SamePerson):
    """Nobody grades oneself."""

    code = "rates_oneself"
    message = "Nobody scores their own role-play. Ask another trainer to open the sheet."


class ResultOut(DomainError):
    """The result is known; a sheet opened now would not be blind."""

    code = "result_out"
    message = "The result is already out, so no further sheet can be opened: it would not be marked blind."


class NothingLocked(DomainError):
    """A result without a locked sheet."""

    code = "nothing_locked"
    message = "No sheet about this person has been locked yet, so there is no result to release."


class StillScoring(DomainError):
    """A sheet whose rater can still lock it."""

    code = "still_scoring"
    message = "Whoever has an open sheet about this person can still finish it. Remind them, or release the result."


class WordsNeeded(Invalid):
    """A withdrawal without a reason."""

    code = "words_needed"
    message = "Write why the sheet cannot be finished, in at most 2000 characters."


class SheetClosed(DomainError):
    """A mark after the lock; `held` are the numbers of this device that count."""

    code = "sheet_closed"
    message = "This sheet is locked, so nothing on it changes any more. The marks sent now do not count."

    def __init__(self, held: Sequence[int]) -> None:
        super().__init__()
        self.held = tuple(held)


class NotOnSheet(Invalid):
    """A mark for a criterion that the scoring sheet does not have, or a value that it does not take."""

    code = "not_on_sheet"
    message = "The mark does not fit the scoring sheet. Load the page again; marks that were confirmed are safe."


class Incomplete(DomainError):
    """A sheet that cannot be locked yet; `missing` lists why."""

    code = "incomplete"
    message = "The sheet is not complete yet."

    def __init__(self, missing: Sequence[Missing]) -> None:
        super().__init__()
        self.missing = tuple(missing)


class NothingToImprove(DomainError):
    """A plan before the result is out."""

    code = "nothing_to_improve"
    message = "An improvement plan can be written once the result of the role-play is out."


class NotToWrite(DomainError):
    """A plan that is with the trainer, approved, or was handed in from another window."""

    code = "not_to_write"
    message = "This plan was handed in meanwhile, so nothing was changed. Load the page again to see how it stands."


class SavedElsewhere(DomainError):
    """A draft that another window saved meanwhile."""

    code = "saved_elsewhere"
    message = (
        "This plan was saved from another window or phone meanwhile. What you typed is below: save it again to replace "
        "the other one."
    )


class PlanNotReady(Invalid):
    """A plan with too few goals, too many, or goals with something missing; `faults` says what."""

    code = "plan_not_ready"
    message = "The plan is not complete yet."

    def __init__(self, faults: PlanFaults) -> None:
        super().__init__()
        self.faults = faults


class ReasonNeeded(Invalid):
    """A plan sent back without words, or with too many."""

    code = "reason_needed"
    message = "Write what is to be changed, in at most 2000 characters: the technician works with it."


class WordsTooLong(Invalid):
    """More words than are kept."""

    code = "words_too_long"
    message = "Write at most 2000 characters."


class NotYourPlan(Forbidden):
    """A plan that another trainer answers."""

    code = "not_your_plan"
    message = "The trainer who led the session answers this plan."


class PlanAnswered(DomainError):
    """A version that was answered already, or is no longer the newest."""

    code = "plan_answered"
    message = "This version was answered already, or a newer one was handed in. The page shows how it stands now."
