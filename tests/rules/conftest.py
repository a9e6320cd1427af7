"""Hypothesis profiles of the rule tests: `HYPOTHESIS_PROFILE=deep` looks much longer, and elsewhere every time."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_QUIET = (HealthCheck.too_slow,)

# The same examples every time: an everyday run says nothing about luck.
settings.register_profile("fast", max_examples=20, deadline=None, derandomize=True, suppress_health_check=_QUIET)
settings.register_profile("deep", max_examples=2500, deadline=None, suppress_health_check=_QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
