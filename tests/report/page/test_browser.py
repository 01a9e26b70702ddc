"""The page in a real browser."""

import pytest


@pytest.fixture
def look(chromium, page):
    """Open a page in a window: `look(width=1280, path=page)`; `.faults` is what went wrong."""
    contexts = []

    def open_page(width=1280, path=page, **of):
        context = chromium.new_context(viewport={"width": width, "height": 800}, **of)
        contexts.append(context)
        tab = context.new_page()
        tab.faults = []
        tab.on("console", lambda message: tab.faults.append(message.text))
        tab.on("pageerror", lambda error: tab.faults.append(str(error)))
        tab.on("dialog", lambda dialog: tab.faults.append(dialog.message))
        tab.on("requestfailed", lambda request: tab.faults.append(request.url[:80]))
        tab.on("request", lambda request: tab.requests.append(request.url[:80]))
        tab.requests = []
        tab.goto(path.as_uri())
        tab.wait_for_load_state("networkidle")
        return tab

    yield open_page
    for context in contexts:
        context.close()


def results(tab):
    tab.evaluate("document.querySelector('#results > details').open = true")
    return tab.get_by_role("region", name="results on ml-1m")


def column(tab, name):
    """Return the header and the texts of a column of the results."""
    head = results(tab).get_by_role("columnheader", name=name, exact=True)
    place = head.evaluate("head => head.cellIndex + 1")
    return head, results(tab).locator(f"tbody td:nth-child({place})").all_inner_texts()


def test_it_opens_without_a_fault_and_loads_nothing_else(look, page):
    tab = look()
    assert tab.faults == []
    assert [url for url in tab.requests if not url.startswith("data:")] == [page.as_uri()[:80]]


@pytest.mark.parametrize("width", [375, 1280])
def test_it_never_scrolls_sideways(look, width):
    tab = look(width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, p, li')].every(e => e.scrollWidth <= innerWidth)"
    )


def test_wide_tables_scroll_in_themselves_on_a_phone(look):
    assert results(look(375)).evaluate("region => region.scrollWidth > region.clientWidth")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_letters_of_plots_are_as_large_on_a_phone(look, width):
    scales = look(width, is_mobile=width < 400).evaluate(
        "[...document.querySelectorAll('.plot svg')].filter(each => each.clientWidth > 0)"
        ".map(each => each.clientWidth / each.viewBox.baseVal.width)"
    )
    assert min(scales) > 1.1  # letters of 7.5 are 8 pixels and more


def test_every_picture_is_drawn_with_a_size_and_words(look):
    tab = look()
    tab.evaluate("document.querySelectorAll('details').forEach(part => (part.open = true))")
    pictures = tab.evaluate(
        "[...document.querySelectorAll('.plot svg')].map(each => [each.clientWidth, each.clientHeight, "
        "each.getAttribute('aria-label').length])"
    )
    assert len(pictures) == 10
    assert all(width > 200 and height > 100 and words > 20 for width, height, words in pictures)


def test_a_click_sorts_the_best_first_and_another_one_the_worst(look):
    tab = look()
    head, before = column(tab, "NDCG@10 ↑")
    shown = [value for value in before if value != "-"]
    head.get_by_role("button").click()
    head, after = column(tab, "NDCG@10 ↑")
    assert head.get_attribute("aria-sort") == "descending"
    assert after == [*sorted(shown, reverse=True), "-", "-"]
    head.get_by_role("button").click()
    head, after = column(tab, "NDCG@10 ↑")
    assert head.get_attribute("aria-sort") == "ascending"
    assert after == [*sorted(shown), "-", "-"]
    assert tab.locator("[aria-sort]").count() == 1


def test_the_keyboard_sorts_too(look):
    tab = look()
    head, before = column(tab, "model")
    head.get_by_role("button").focus()
    tab.keyboard.press("Enter")
    head, after = column(tab, "model")
    assert head.get_attribute("aria-sort") == "ascending"
    assert after == sorted(before)
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    assert head.get_attribute("aria-sort") is None
    assert results(tab).get_by_role("columnheader", name="side").get_attribute("aria-sort") == "ascending"


def test_changes_are_sorted_as_numbers_and_rows_stay_whole(look):
    tab = look()
    head, _ = column(tab, "NDCG@10 vs solo")
    rows = set(results(tab).locator("tbody tr").all_inner_texts())
    head.get_by_role("button").click()
    _, changes = column(tab, "NDCG@10 vs solo")
    numbers = [float(text.split("%")[0]) for text in changes if text != "-"]
    assert numbers == sorted(numbers)
    assert set(results(tab).locator("tbody tr").all_inner_texts()) == rows


def test_markup_from_data_does_nothing(look, evil_page):
    tab = look(path=evil_page)
    assert tab.faults == []
    assert tab.evaluate("typeof window.hacked") == "undefined"
    assert tab.evaluate("document.documentElement.scrollWidth") <= 1280


def test_even_a_script_that_got_in_would_not_run(look):
    tab = look()
    tab.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.hacked = 1'}))"
    )
    assert tab.evaluate("typeof window.hacked") == "undefined"
    assert any("Content Security Policy" in fault for fault in tab.faults)


def test_it_is_readable_in_the_dark(look):
    background = "getComputedStyle(document.body).backgroundColor"
    assert look(color_scheme="dark").evaluate(background) != look().evaluate(background)


def test_it_prints_whole_tables(look, tmp_path):
    tab = look(color_scheme="dark")
    tab.emulate_media(media="print")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    whole = (
        "[...document.querySelectorAll('.scroll')].every(each => getComputedStyle(each).overflowY === 'visible')"
    )
    assert tab.evaluate(whole)
    assert not tab.get_by_role("navigation").is_visible()
    assert tab.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True).startswith(b"%PDF")


def is_open(tab, section):
    return tab.locator(f"#{section} > details").evaluate("part => part.open")


def test_details_are_folded_and_a_link_of_the_contents_opens_them(look):
    tab = look()
    assert not is_open(tab, "settings")
    tab.get_by_role("link", name="Settings").click()
    assert is_open(tab, "settings")
    assert not is_open(tab, "environment")


def test_an_address_that_leads_to_a_folded_part_opens_it(look, page):
    tab = look()
    tab.goto(f"{page.as_uri()}#training")
    assert is_open(tab, "training")
    inner = tab.locator("section:not(#training) details details[id]").first
    tab.evaluate("name => location.hash = name", inner.get_attribute("id"))
    tab.wait_for_function("name => document.getElementById(name).open", arg=inner.get_attribute("id"))


def test_the_keyboard_opens_what_is_folded(look):
    tab = look()
    tab.locator("#settings summary").focus()
    tab.keyboard.press("Enter")
    assert is_open(tab, "settings")


def test_printing_opens_all_and_closes_them_again(look):
    tab = look()
    closed = "document.querySelectorAll('details:not([open])').length"
    before = tab.evaluate(closed)
    assert before > 5
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate(closed) == 0
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.evaluate(closed) == before
