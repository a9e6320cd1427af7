"""What a policy may ask of the engine and the procedure of cases and sanctions does not carry out (yet).

The engine folds every policy that `read_policy` reads. Cases, sanctions and permits are moved by people and services; a
policy that needs a step they do not know is refused when it is published, by the name of the field.
"""

from __future__ import annotations

from training_app.permits.policy_rules import AppealSuspends, ClosedWindow, ExistsWhen, MembershipDate, Policy


def not_carried_out(policy: Policy) -> tuple[str, ...]:
    """Return the fields whose value the procedure cannot carry out, in the order of the policy table."""
    found = {
        "exists_when": policy.exists_when is not ExistsWhen.FINAL,
        "membership_date": policy.membership is not MembershipDate.OCCURRED,
        "classes": bool(policy.classes),
        "election": policy.election is not None,
        "late_discovery.closed_window": policy.closed_window is not ClosedWindow.REOPEN_NOW,
        "appeal.suspends": policy.appeal_suspends is AppealSuspends.ENTRY,
    }
    return tuple(name for name, is_asked in found.items() if is_asked)
