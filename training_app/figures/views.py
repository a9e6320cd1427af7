"""All pages of this room."""

from __future__ import annotations

from training_app.figures import rate_views, renewal_views
from training_app.figures.blueprint import bp

__all__ = ["bp", "rate_views", "renewal_views"]
