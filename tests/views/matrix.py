"""Who may pass which door: endpoint -> permissions (any of them), or `public`, or `signed_in`.

Scope within the network is tested with each page: a learner, a manager and an outsider of another region.
"""

PUBLIC = ("public",)
SIGNED_IN = ("signed_in",)
LEARN = ("course.learn",)

DESK = ("case.notify", "case.decide", "appeal.resolve")
BENCH = ("sanction.decide", "sanction.confirm", "appeal.resolve")

EXAMINER = ("exam.admit", "exam.identity", "exam.invigilate", "exam.extend")
TAKER = ("exam.take", "course.learn")

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
    "permits.mine": SIGNED_IN,
    "permits.my_photo": SIGNED_IN,
    "permits.my_cases": SIGNED_IN,
    "permits.my_case": SIGNED_IN,
    "permits.answer": SIGNED_IN,
    "permits.contest": SIGNED_IN,
    "permits.my_sanction": SIGNED_IN,
    "permits.evidence": SIGNED_IN,
    "permits.work": (*DESK, *BENCH, "case.report", "case.interim_stop"),
    "permits.report_whom": ("case.report",),
    "permits.report": ("case.report",),
    "permits.reports": ("case.report",),
    "permits.reward_whom": ("case.decide",),
    "permits.reward": ("case.decide",),
    "permits.stop_whom": ("case.interim_stop",),
    "permits.stops": ("case.interim_stop",),
    "permits.stop": ("case.interim_stop",),
    "permits.end_stop": ("case.interim_stop",),
    "permits.cases": DESK,
    "permits.case": DESK,
    "permits.notify": ("case.notify",),
    "permits.decide": ("case.decide",),
    "permits.resolve": ("appeal.resolve",),
    "permits.take_back": ("case.decide",),
    "permits.sanctions": BENCH,
    "permits.sanction": BENCH,
    "permits.decide_sanction": ("sanction.decide",),
    "permits.confirm_sanction": ("sanction.confirm",),
    "permits.resolve_sanction": ("appeal.resolve",),
    "permits.annul_sanction": ("case.reopen",),
    "exams.index": TAKER,
    "exams.exam": ("exam.take",),
    "exams.start": ("exam.take",),
    "exams.quiz": TAKER,
    "exams.start_quiz": TAKER,
    "exams.paper": TAKER,
    "exams.open_paper": TAKER,
    "exams.save": TAKER,
    "exams.submit": TAKER,
    "exams.finish": TAKER,
    "exams.result": TAKER,
    "exams.contest": TAKER,
    "exams.sittings_list": EXAMINER,
    "exams.new_sitting": ("exam.admit",),
    "exams.arrive": ("exam.admit",),
    "exams.sitting": EXAMINER,
    "exams.sitting_people": EXAMINER,
    "exams.photo": EXAMINER,
    "exams.admit": ("exam.admit",),
    "exams.identity": ("exam.identity",),
    "exams.invigilate": ("exam.invigilate",),
    "exams.extend": ("exam.extend",),
    "exams.void": ("exam.invigilate",),
    "exams.end_sitting": ("exam.invigilate",),
}
