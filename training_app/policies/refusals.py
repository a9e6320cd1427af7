"""What the services of this room refuse, in words for people."""

from __future__ import annotations

from training_app.errors import DomainError, Forbidden, Invalid


class SavedElsewhere(DomainError):
    """Another tab or person saved the draft since this page was read."""

    code = "saved_elsewhere"
    message = (
        "This draft was changed since you opened the page, here or by somebody else. Nothing of yours was saved. Open "
        "the page anew, look at what stands there now, and enter your change again."
    )


class DraftMoved(DomainError):
    """The draft does not take this step where it stands."""

    code = "draft_moved"
    message = "This draft was handed in, published or discarded meanwhile. Look at where it stands now."


class NotGreen(Invalid):
    """The check of the draft finds something."""

    code = "not_green"
    message = "The check still finds something. Mend it first; the page of the draft says where."


class WordsNeeded(Invalid):
    """A step that needs words."""

    code = "words_needed"
    message = "Say why in a few words, at least %(least)s characters."


class WordsTooLong(Invalid):
    """More words than a page shows."""

    code = "words_too_long"
    message = "At most %(most)s characters are kept here."


class ForTheWholeNetwork(Forbidden):
    """A policy counts for everybody, so that a right for a part of the network does not reach it."""

    code = "whole_network"
    message = "A policy counts for the whole network. Your right to change it holds for a part of it only."


class DayOver(Invalid):
    """A record of a day that has not come, or that makes no sense."""

    code = "day_ahead"
    message = "Enter the day on which it happened; it cannot lie ahead."


class TooManyEntries(Invalid):
    """A list that is full."""

    code = "too_many_entries"
    message = "At most %(most)s entries fit here."
