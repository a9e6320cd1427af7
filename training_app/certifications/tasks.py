"""Consumers of what has to be looked at for one person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from training_app.certifications import onboarding, retraining_service, review_service
from training_app.outbox import service as outbox


@outbox.consumer(onboarding.ENROL, looks=True)
def enrol(body: Mapping[str, Any], now: datetime) -> None:
    """Enrol a learner who begins."""
    onboarding.enrol_learner(body["person"], now=now)


@outbox.consumer(onboarding.ADMIT, looks=True)
def admit(body: Mapping[str, Any], now: datetime) -> None:
    """Open the exam to who may sit it, for a level, in a retraining or in the annual review."""
    if not retraining_service.follow_retraining(body["person"], now=now):
        onboarding.admit_if_ready(body["person"], now=now)
        review_service.follow_review(body["person"], now=now)


@outbox.consumer(onboarding.FOLLOW_PERMIT, looks=True)
def follow_permit(body: Mapping[str, Any], now: datetime) -> None:
    """Withdraw the levels of who is out for good."""
    onboarding.follow_permit(body["person"], now=now)
