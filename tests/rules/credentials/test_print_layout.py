"""Cards and slips on A4: none leaves the sheet, none overlaps, every cut runs along an edge and through no piece."""

from __future__ import annotations

import pytest

from training_app.credentials.print_rules import CARDS, SHEET, SLIPS, Layout, in_sheets, sheets


@pytest.mark.parametrize("layout", [CARDS, SLIPS], ids=["cards", "slips"])
def test_pieces_stand_on_the_sheet_apart_and_cuts_run_along_their_edges_alone(layout: Layout) -> None:
    corners = layout.places()
    assert len(set(corners)) == layout.per_sheet == 8
    edges: tuple[set[float], set[float]] = (set(), set())
    for x, y in corners:
        assert x >= 0
        assert y >= 0
        assert x + layout.width <= SHEET[0] + 0.001
        assert y + layout.height <= SHEET[1] + 0.001
        edges[0].update((round(x, 3), round(x + layout.width, 3)))
        edges[1].update((round(y, 3), round(y + layout.height, 3)))
        for other in corners:
            apart = abs(x - other[0]) >= layout.width - 0.001 or abs(y - other[1]) >= layout.height - 0.001
            assert other == (x, y) or apart
    cuts = ({a[0] for a, b in layout.cuts() if a[0] == b[0]}, {a[1] for a, b in layout.cuts() if a[1] == b[1]})
    for axis in (0, 1):
        assert cuts[axis] == {edge for edge in edges[axis] if 0 < edge < SHEET[axis]}
        size = (layout.width, layout.height)[axis]
        assert not any(
            corner[axis] + 0.01 < cut < corner[axis] + size - 0.01 for corner in corners for cut in cuts[axis]
        )


def test_a_card_has_the_size_of_a_bank_card_and_eight_make_a_sheet() -> None:
    assert (CARDS.width, CARDS.height) == (85.6, 53.98)
    assert [sheets(count, CARDS) for count in (0, 1, 8, 9, 200)] == [0, 1, 1, 2, 25]
    assert [len(page) for page in in_sheets(range(17), CARDS)] == [8, 8, 1]
