"""HR imports a list of people on a phone: errors marked, mended, applied, and undone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import xlsxwriter
from playwright.sync_api import Browser, Page, expect
from python_calamine import CalamineWorkbook

from tests.journeys.conftest import PHONE, Site, running_site
from tests.journeys.steps import press, until

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Site]:
    """Return a product whose worker reads the files."""
    with running_site(tmp_path_factory, browser) as running:
        yield running


def _send(page: Page, name: str, data: bytes) -> None:
    page.set_input_files("input[type=file]", {"name": name, "mimeType": "text/csv", "buffer": data})
    with page.expect_navigation():
        page.locator("main form button[type=submit]").first.click()
    _done(page)


def _done(page: Page) -> None:
    until(
        lambda: page.goto(page.url.split("#")[0]) is not None and page.locator("#progress").count() == 0, "the job", 60
    )


def test_a_list_with_errors_is_marked_mended_applied_and_undone(site: Site, tmp_path: Path) -> None:
    site.speak("zh", PHONE)
    page = site.page("hr")
    page.goto(f"{site.url}/people")
    page.click("main a[href='/roster/people']")
    rows = "工号,姓名,单位编号,用工企业,电话\r\nN-001,新来的,OA1,甲公司,打我\r\nN-002,另一个,没有,甲公司,\r\n"
    _send(page, "花名册.csv", rows.encode("gbk"))
    expect(page.get_by_text("有 2 行需要先改正")).to_be_visible()
    site.look(page, "roster-errors")
    with page.expect_download() as download:
        page.click("main a[href$='/marked']")
    download.value.save_as(tmp_path / "marked.xlsx")
    sheet = CalamineWorkbook.from_path(tmp_path / "marked.xlsx").get_sheet_by_index(0).to_python()
    assert "不是有效电话" in str(sheet[1][-1])
    sheet[1][4], sheet[2][2] = "138 0000 0000", "OA1"
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        for at, cells in enumerate(sheet):
            book.worksheets_objs or book.add_worksheet()
            book.worksheets_objs[0].write_row(at, 0, cells)
    page.click("main a[href='/roster/people']")
    _send(page, "花名册-改.xlsx", out.getvalue())
    site.look(page, "roster-preview")
    press(page, "/apply")
    _done(page)
    expect(page.get_by_text("以下内容已全部生效")).to_be_visible()
    page.goto(f"{site.url}/people?q=N-00")
    expect(page.get_by_role("link", name="新来的")).to_be_visible()
    page.go_back()
    press(page, "/undo", sure=True)
    _done(page)
    expect(page.get_by_text("本次导入的内容不再有效")).to_be_visible()
    page.goto(f"{site.url}/people?q=N-00")
    expect(page.get_by_text("没有符合条件的人员")).to_be_visible()

    def is_told() -> bool:
        page.goto(f"{site.url}/me/notices")
        return page.get_by_text("导入已撤销").count() > 0

    until(is_told, "the notice that the import is undone")


@pytest.mark.parametrize("language", ["zh", pytest.param("en", marks=pytest.mark.deep)])
def test_a_list_of_licences_is_previewed_and_applied_on_a_phone(site: Site, language: str) -> None:
    site.speak(language, PHONE)
    page = site.page("hr")
    page.goto(f"{site.url}/licences")
    page.click("main a[href='/roster/licences']")
    site.look(page, f"licences-import-{language}")
    head = "number,name,kind,licence_number,issuer,expires_on\r\n"
    wrong = f"{site.world.numbers['learner']},,work-at-height,H-{language},应急管理局,soon\r\n"
    _send(page, "licences.csv", (head + wrong).encode())
    expect(page.locator("main a[href$='/marked']")).to_be_visible()
    site.look(page, f"licences-errors-{language}")
    page.goto(f"{site.url}/roster/licences")
    _send(page, "licences.csv", (head + wrong.replace("soon", "2020-05-01")).encode())
    site.look(page, f"licences-preview-{language}")
    press(page, "/apply")
    _done(page)
    site.look(page, f"licences-applied-{language}")
    page.goto(f"{site.url}/people/{site.world.learner}/licences")
    expect(page.get_by_text(f"H-{language}")).to_be_visible()
