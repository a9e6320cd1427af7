"""What a spreadsheet makes of the cells of a CSV file that it opens and saves again."""

from __future__ import annotations

import re
from decimal import Decimal


def excel(cell: str) -> str:
    """Return a cell as Excel saves it again: what looks like a figure becomes one, long ones a power of ten."""
    if re.fullmatch(r"[0-9]+([eE][0-9]+)?", cell) is None:
        return cell
    figure = Decimal(cell)
    return f"{figure:.5E}" if figure >= 10**11 or "E" in cell else str(int(figure))
