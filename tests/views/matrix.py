"""Who may pass which door: endpoint -> permissions (any of them), or `public`, or `signed_in`.

Scope within the network is tested with each page: a learner, a manager and an outsider of another region.
"""

PUBLIC = ("public",)
SIGNED_IN = ("signed_in",)
LEARN = ("course.learn",)

ROWS: dict[str, tuple[str, ...]] = {
    "static": PUBLIC,
    "accounts.sign_in": PUBLIC,
    "accounts.sign_out": SIGNED_IN,
    "accounts.sign_out_everywhere": SIGNED_IN,
    "accounts.set_language": PUBLIC,
    "accounts.redeem": PUBLIC,
    "accounts.change_password": SIGNED_IN,
    "home.index": SIGNED_IN,
    "notices.index": SIGNED_IN,
    "notices.open_notice": SIGNED_IN,
    "courses.index": LEARN,
    "courses.course": LEARN,
    "courses.lesson": LEARN,
    "courses.save_place": LEARN,
    "courses.answer_check": LEARN,
    "courses.finish_lesson": LEARN,
    "courses.media": SIGNED_IN,
}
