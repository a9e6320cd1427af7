"""A double click, two tabs, a resent page: the same POST twice does a thing once."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask

from tests.security.doors import all_doors
from tests.security.house import ENDS_SESSION, House, Snapshot, state
from tests.security.pages import signed_in_as_each
from training_app import clock
from training_app.accounts.service import today

# What may be done again, and why it harms nothing: no case, entry, award, attempt or person comes twice of it.
AGAIN = {
    "api.new_token": "each token is another, and shown once",
    "figures.export_renewals": "each file that leaves is written down",
    "dashboards.export": "each file that leaves is written down",
    "dashboards.sign_in_link": "each link ends the one before",
    "exams.identity": "the examiner says once more that it is this person",
    "exams.invigilate": "the examiner says once more that they supervise",
    "roleplay.release": "it is looked once more whether the learner has shown everything",
    "exams.open_paper": "each opening is a new writer, the one before is refused",
}

# Doors that find nothing to do in the furnished network, with the test that sends their form twice where they have.
ELSEWHERE = {
    "accounts.change_password": "test_a_stolen_cookie_dies_with_every_ending",
    "accounts.redeem": "test_a_link_works_once_and_a_newer_one_replaces_it",
    "certifications.award_one": "test_awarding_twice_awards_once",
    "certifications.award_selected": "test_awarding_twice_awards_once",
    "certifications.refuse": "test_a_refusal_sent_twice_is_one_and_other_words_are_another",
    "certifications.reinstate": "test_holder_strangers_and_short_reasons_are_refused_and_a_second_call_changes_nothing",
    "certifications.condition_met": "test_a_condition_is_met_once_or_a_suspension_is_proposed_once",
    "certifications.renew_selected": "test_the_window_opens_tasks_come_by_themselves_and_a_certifier_renews",
    "certifications.renew_one": "test_the_window_opens_tasks_come_by_themselves_and_a_certifier_renews",
    "certifications.renew_on_condition": "test_one_review_is_refused_then_renewed_with_a_condition",
    "certifications.refuse_review": "test_a_refusal_is_told_with_its_reason_once_and_can_be_decided_anew_alone",
    "credentials.ask_for_file": "test_a_job_run_again_keeps_one_file_and_tells_once",
    "credentials.take_print": "test_slips_open_the_first_sign_in_end_older_ones_and_stand_in_no_row",
    "dashboards.approve_role": "test_an_administrator_is_made_by_two",
    "exams.contest": "test_a_contest_needs_words_and_is_sent_once",
    "exams.end_sitting": "test_a_sitting_ends_when_all_have_handed_in_and_then_nothing_moves",
    "exams.finish": "test_handing_in_twice_tells_so_and_shows_the_one_result",
    "exams.start": "test_a_second_start_finds_the_open_attempt",
    "permits.annul_sanction": "test_permit_cases_and_ledger_keep_their_promises",
    "permits.confirm_sanction": "test_a_decision_needs_its_reason_and_nothing_is_confirmed_twice",
    "permits.contest": "test_no_step_outside_the_table_is_taken",
    "permits.decide": "test_of_two_simultaneous_decisions_one_wins_and_the_other_is_told",
    "permits.end_stop": "test_ending_a_stop_that_does_not_run_is_refused_in_words",
    "permits.my_sanction": "test_no_step_outside_the_table_is_taken",
    "permits.notify": "test_no_step_outside_the_table_is_taken",
    "permits.study": "test_study_wins_a_point_back_by_itself_and_only_once",
    "permits.reopen": "test_no_step_outside_the_table_is_taken",
    "permits.resolve": "test_no_step_outside_the_table_is_taken",
    "permits.resolve_sanction": "test_no_step_outside_the_table_is_taken",
    "roleplay.append_marks": "test_a_redelivered_batch_changes_nothing_and_is_confirmed_again",
    "roleplay.improvement": "test_handed_in_twice_it_is_one_version_and_other_words_are_refused",
    "roleplay.lock": "test_a_repeated_lock_and_a_repeated_batch_after_it_are_harmless",
    "roleplay.withdraw": "test_a_sheet_that_its_rater_can_still_finish_is_not_withdrawn_nor_one_twice",
    "policies.open_draft": "test_asked_twice_a_draft_begins_once_and_is_published_once",
    "policies.record_of_draft": "test_records_are_kept_once_and_taken_back",
    "policies.record_of_version": "test_records_are_kept_once_and_taken_back",
    "policies.section": "test_two_editors_do_not_overwrite_each_other",
    "roster.again": "test_between_preparing_and_the_switch_nobody_new_is_found_and_a_killed_job_goes_on",
    "figures.remind_renewals": "test_a_proposal_stays_in_the_windows_is_exported_and_reminds",
    "figures.set_capacity": "test_a_proposal_stays_in_the_windows_is_exported_and_reminds",
    "api.authorisations": "test_a_batch_answers_each_row_by_the_same_reads_whatever_its_size",
    "roster.notify": "test_all_of_an_import_are_told_one_by_one_but_never_who_tells_them",
    "roster.undo": "test_an_undone_import_leaves_what_was_before_and_can_be_sent_again",
    "roleplay.open_sheet": "test_a_sheet_opens_once_per_rater_and_not_before_the_start",
}
# Doors that create nothing: sent again they overwrite what stands with the same, or a part of the form is missing here.
CREATES_NOTHING = {
    "accounts.set_language", "dashboards.companies", "photos.start",
    "dashboards.move_unit", "dashboards.scanned",
    "dashboards.role", "dashboards.set_photo", "dashboards.settings", "dashboards.unit", "dashboards.withdraw_sign",
    "roleplay.draw", "roster.start",
}  # fmt: skip


def filled(house: House) -> dict[str, dict[str, str]]:
    """Return what a person types into forms that create something and that pages show empty."""
    on = today(clock.now()).isoformat()
    units = house.world.units
    return {
        "api.new_token": {"name": "派工", "purpose": "查询", "scopes": "authorisation.read", "last_on": on},
        "permits.report": {"code": "promise-broken", "day": on, "time": "00:01", "words": "Seen on the job."},
        "exams.admit": {"number": house.world.numbers["learner2"]},
        "dashboards.new_person": {
            "number": "T-77001", "name": "何新人", "name_latin": "He Xinren", "unit": str(units["outlet_a"]),
            "employer": "某服务公司", "language": "zh",
        },
        "dashboards.new_unit": {
            "number": "OA77", "name": "新网点", "name_latin": "New outlet", "type": "outlet", "stars": "0",
            "parent": str(units["centre_a"]),
        },
        "dashboards.edit_person": {"name": "王小明", "name_latin": "Wang Xiaoming", "phone": "+86 139 0000 0000"},
        "licences.record": {"kind": "refrigeration", "number": "T-1", "issuer": "Authority"},
        "licences.correct": {"number": "T-2"},
        "dashboards.working_days": {"on": "2026-12-24", "kind": "off", "name_zh": "盘点", "name_en": "Stocktaking"},
    }  # fmt: skip


def test_the_same_post_twice_does_it_once(app: Flask, house: House) -> None:
    clients = signed_in_as_each(app, house)
    doors = {name: door for name, door in all_doors(app, house, clients).items() if name not in ENDS_SESSION}
    snapshot, faults, idle, typed = Snapshot(app), [], set(), filled(house)
    for endpoint, door in doors.items():
        fields = door.fields | typed.get(endpoint, {})
        clients[door.person].post(door.address, data=fields, buffered=True)
        if not snapshot.is_touched():
            idle.add(endpoint)
            continue
        first = state()
        answer = clients[door.person].post(door.address, data=fields, buffered=True)
        second = state()
        assert answer.status_code < 500, endpoint
        more = {t: len(second[t]) - len(first[t]) for t in second if len(second[t]) != len(first[t])}
        if {t for t in more if not t.startswith("audit")} - {"payload"} and endpoint not in AGAIN:
            faults.append(f"{endpoint}: {more}")
        snapshot.put_back()
    snapshot.close()
    assert faults == []
    assert idle == set(ELSEWHERE) | CREATES_NOTHING, "say which test sends the form of this door twice"


def test_every_test_that_is_named_for_a_door_is_there() -> None:
    root = Path(__file__).parent.parent
    tests = {name for path in root.rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())}
    assert set(ELSEWHERE.values()) - tests == set()
