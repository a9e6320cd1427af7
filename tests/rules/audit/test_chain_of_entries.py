"""The hash chain: whatever is edited, left out, put in or turned round is found at the first place it touches."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from training_app.audit.rules import GENESIS, Link, first_break, link_hash, payload_digest

BODIES = st.lists(st.dictionaries(st.sampled_from(["action", "facts", "actor_id"]), st.text(max_size=5)), max_size=8)


def chain(bodies: list[dict[str, str]]) -> list[Link]:
    links, prev = [], GENESIS
    for seq, body in enumerate(bodies, start=1):
        links.append(Link(seq=seq, body=body, prev_hash=prev, hash=link_hash(prev, body)))
        prev = links[-1].hash
    return links


@given(bodies=BODIES, data=st.data())
def test_any_edit_breaks_the_chain(bodies: list[dict[str, str]], data: st.DataObject) -> None:
    """Invariant 27: an edited, missing, doubled or moved entry; only the end can be cut off, which anchors tell."""
    whole = chain(bodies)
    assert first_break(whole) is None
    assume(len(whole) > 1)
    at = data.draw(st.integers(0, len(whole) - 2))
    one, following = whole[at], whole[at + 1]
    edited = {**one.body, "facts": one.body.get("facts", "") + "x"}
    for forged in (
        replace(one, body=edited),
        replace(one, body=edited, hash=link_hash(one.prev_hash, edited)),
        replace(one, hash="f" * 64),
        replace(one, prev_hash="f" * 64),
        replace(one, seq=one.seq + 1),
    ):
        assert first_break([*whole[:at], forged, *whole[at + 1 :]]) in (one.seq, one.seq + 1)
    assert first_break([*whole[:at], *whole[at + 1 :]]) == following.seq
    assert first_break([*whole[: at + 1], one, *whole[at + 1 :]]) == one.seq
    assert first_break([*whole[:at], following, one, *whole[at + 2 :]]) == following.seq


@given(salt=st.text("0123456789abcdef", min_size=4, max_size=8), words=st.text(max_size=20), other=st.text(max_size=20))
def test_a_digest_holds_for_its_own_words_and_salt_alone(salt: str, words: str, other: str) -> None:
    """Invariant 27, for words that stand apart from the chain."""
    assume(words != other)
    assert payload_digest(salt, words) != payload_digest(salt, other)
    assert payload_digest(salt, words) != payload_digest(f"{salt}0", words)
