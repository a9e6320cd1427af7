"""A result that was told is read in the reader's language, and its notice leads to the page of the result."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from flask import Flask

from tests import exams_factories as exams
from tests.factories import World
from tests.roleplay_factories import Scene
from training_app import clock
from training_app.accounts import service as accounts
from training_app.exams import service
from training_app.outbox import service as outbox
from training_app.sweeping import sweep


def test_a_paper_handed_in_by_the_clock_and_a_role_play_are_told_and_lead_to_their_results(
    app: Flask, world: World, now: datetime
) -> None:
    _sitting, public_id = exams.supervised_start(world, now)
    service.autosave(public_id, world.learner, epoch=1, saves=exams.saves(public_id)[:4], now=now)
    scene = Scene.started(world, now)
    scene.scored()
    late = now + timedelta(hours=9)
    clock.move_to(late)
    sweep(now=late)
    outbox.dispatch_due(now=late)
    learner = world.sign_in(app.test_client(), "learner")
    for language, words in (
        ("zh", ("考试未合格", "系统已按服务器保存的 4 道答案为您交卷", "角色扮演合格", "得分率 60 %（合格线 60 %）")),
        (
            "en",
            ("Exam not passed", "the server had saved: 4 answers", "Role-play passed", "60 % were needed"),
        ),
    ):
        accounts.set_language(world.learner, language, now=late)
        page = learner.get("/me/notices").text
        for said in words:
            assert said in page, said
    places = set()
    for address in re.findall(r'action="(/me/notices/\d+/open)"', page):
        answer = learner.post(address)
        assert learner.get(answer.location).status_code == 200
        places.add(answer.location)
    assert f"/attempts/{public_id}/result" in places
    assert f"/roleplay/sessions/{scene.public_id}/result/{world.learner}" in places
