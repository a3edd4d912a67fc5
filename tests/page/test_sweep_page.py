"""The page of a sweep, in a browser: its numbers, its points, what is pinned, and what it never does."""

import dataclasses
import html
import re

import numpy as np
import pytest
from browser import beyond, scroll_through, violations, wait_until
from conftest import ROOT
from made_run import HOSTILE, json_of
from matplotlib import colormaps
from sweeps_by_hand import SWEEPS, grid, run

from pipeline.analysis.configurations import configurations
from pipeline.page.render import SWEEP
from pipeline.sweeps import page, summary

pytest_plugins = ["page_fixtures"]

BROWSER = ROOT / "pipeline/page/browser"
SCREENSHOTS = ROOT / ".screenshots"
# The larger, the quicker; of one configuration nobody knows.
TIMED = configurations(
    [
        dataclasses.replace(one, seconds=None if one.params["model.filters"] == [32, 64] else 20.0 / number)
        for number, one in enumerate(grid(), start=1)
    ]
)


@pytest.fixture
def show(window, tmp_path):
    """Open the page of some configurations; nothing may be asked for and nothing complained of."""

    def show(found, problems=(), **options):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.html"
        path.write_text(made(found, problems), encoding="utf-8")
        window.open(path, reduced_motion="reduce", **options)
        window.page.wait_for_selector(".scatter .point", state="attached")
        assert window.requests == [path.as_uri()]
        return window.page

    yield show
    assert window.complaints == []


def made(found, problems=(), name="s"):
    num_jobs = sum(len(one.runs) for one in found) + len(problems)
    return page.page(name, found, num_jobs, problems, BROWSER)


def cells(row):
    return [cell.strip() for cell in row.locator("th, td").all_inner_texts()]


def points(shown):
    """Place in pixels of each point, by what it stands for."""
    return shown.locator(".scatter .point").evaluate_all(
        "(all) => Object.fromEntries(all.map((one) => [one.dataset.pin, [one.left, one.top]]))"
    )


def pinned(shown):
    """Number and words of each card."""
    return shown.locator(".card h3").all_inner_texts()


@pytest.mark.parametrize("name", ["twelve", "two values", "search", "words", "splits"])
def test_its_table_has_the_numbers_of_the_summary(show, name):
    found = SWEEPS[name]
    table = [row for row in summary.table(found).splitlines() if row.startswith("|")]
    stated = [[html.unescape(cell).strip() for cell in row[1:-1].split("|")] for row in table[2:]]
    rows = show(found).locator("tr.mean").all()
    columns = len(found[0].values) + 7
    assert [cells(row)[1 : columns + 1] for row in rows] == [line[:columns] for line in stated]


@pytest.mark.parametrize("name", ["few images", "twelve", "splits"])
def test_it_says_of_which_results_luck_may_be_the_reason(show, name):
    found = SWEEPS[name]
    shown = show(found)
    assert ("Uncertain" in shown.locator("#trade").inner_text()) == bool(summary.doubt(found))
    remarks = [row.locator("td").last.inner_text() for row in shown.locator("tr.mean").all()]
    assert ["largest class" in text for text in remarks] == [bool(summary.no_better(one)) for one in found]


def test_each_run_has_a_row_with_its_own_numbers_and_its_experiment(show):
    runs = [one for group in TIMED for one in group.runs]
    scores = ("validation.accuracy", "validation.loss", "test.accuracy")
    rows = show(TIMED).locator("tr.member").all()
    assert [cells(row)[2:] for row in rows] == [
        [
            str(sum(one.params["model.filters"])),
            f"{one.metrics['parameters']:,}",
            *(f"{one.metrics[name]:.4f}" for name in scores),
            "2 of 3",
            "" if one.seconds is None else f"{one.seconds:.0f}",
            str(one.seed),
            one.name,
        ]
        for one in runs
    ]


def test_points_and_their_bars_lie_where_their_numbers_say(show):
    shown = show(SWEEPS["twelve"])
    places = np.array([points(shown)[key] for key in "0123"])
    # Each has twice the parameters of the one before, and is 0.01 more accurate.
    across, up = np.diff(places, axis=0).T
    np.testing.assert_allclose(across, across[0])
    np.testing.assert_allclose(up, up[0])
    assert across[0] > 0 > up[0]
    # A bar reaches one standard deviation, 0.004, to either side.
    for (_, top), bar in zip(places, shown.locator(".scatter .bar").all(), strict=True):
        low, high = re.fullmatch(r"M\S+ (\S+)h10M\S+ \S+V(\S+)M.*", bar.get_attribute("d")).groups()
        np.testing.assert_allclose([float(low) - top, float(high) - top], [-0.4 * up[0], 0.4 * up[0]])
    shown.get_by_role("button", name="single runs").click()
    runs = points(shown)
    assert len(runs) == 12
    # Seeds are 0.004 apart.
    np.testing.assert_allclose(runs["0.0"], places[0] - [0, 0.4 * up[0]])


@pytest.mark.parametrize("cost", ["parameters", "seconds"])
def test_the_front_is_that_of_the_chosen_cost(show, cost):
    shown = show(TIMED)
    shown.locator("#trade select").select_option(cost)
    costs = {
        "parameters": [one.parameters for one in TIMED],
        "seconds": [
            None if one.runs[0].seconds is None else np.mean([r.seconds for r in one.runs]) for one in TIMED
        ],
    }[cost]
    gains = [np.mean([r.metrics["validation.accuracy"] for r in one.runs]) for one in TIMED]
    known = [n for n, value in enumerate(costs) if value is not None]
    beaten = {a for a in known for b in known if a != b and costs[b] <= costs[a] and gains[b] >= gains[a]}
    drawn = shown.locator(".scatter .point.front").evaluate_all("(all) => all.map((one) => one.dataset.pin)")
    assert set(drawn) == {str(n) for n in set(known) - beaten}
    assert set(points(shown)) == {str(n) for n in known}
    assert ("1 without a known value" in shown.locator("#trade").inner_text()) == (len(known) < 4)


def test_what_was_swept_is_an_axis_whose_points_are_joined_where_nothing_else_differs(show):
    shown = show(SWEEPS["two values"])
    shown.locator("#trade select").select_option("train.learning_rate")
    joined = shown.locator(".joined").evaluate_all(
        """(all) => all.map((line) =>
          line.getAttribute('points').split(' ').map((place) => place.split(',').map(Number)))"""
    )
    places = points(shown)
    labels = [one.label for one in SWEEPS["two values"]]
    assert labels == ["8-16, 0.001", "8-16, 0.01", "16-32, 0.001", "16-32, 0.01"]
    assert joined == [[places["0"], places["1"]], [places["2"], places["3"]]]
    assert "train.learning_rate (logarithmic)" in shown.locator(".scatter").inner_html()


def test_the_pointer_means_the_nearest_point_and_a_click_pins_it(show):
    shown = show(SWEEPS["twelve"])
    shown.locator(".scatter").scroll_into_view_if_needed()
    box = shown.locator(".scatter svg").bounding_box()
    left, top = points(shown)["1"]
    shown.mouse.move(box["x"] + left + 9, box["y"] + top - 7)
    assert shown.locator("#tip").inner_text() == (
        "16-32: validation accuracy 0.9180 ± 0.0040, test 0.9080 ± 0.0040 (n = 3 seeds);"
        " 48 filters, 48,000 parameters"
    )
    before = pinned(shown)
    shown.mouse.click(box["x"] + left + 9, box["y"] + top - 7)
    assert pinned(shown) == [*before, "3 16-32"]
    shown.mouse.click(box["x"] + left, box["y"] + top)
    assert pinned(shown) == before
    shown.mouse.move(box["x"] + left + 60, box["y"] + top + 60)
    assert shown.locator("#tip").is_hidden()


def test_it_is_used_by_keys_alone(show):
    shown = show(SWEEPS["twelve"])
    # The smallest that is as good, which is the best, and the cheapest of the front.
    assert pinned(shown) == ["1 64-128", "2 8-16"]
    shown.locator(".scatter .point").first.focus()
    assert shown.locator("#tip").inner_text().startswith("8-16: validation accuracy")
    shown.keyboard.press("Escape")
    assert shown.locator("#tip").is_hidden()
    shown.keyboard.press("ArrowRight")
    shown.keyboard.press("Enter")
    assert pinned(shown) == ["1 64-128", "2 8-16", "3 16-32"]
    assert shown.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert shown.locator(".spoken").inner_text() == "16-32 is pinned as 3"
    shown.keyboard.press("Home")
    shown.keyboard.press("Space")
    assert pinned(shown) == ["1 64-128", "3 16-32"]
    shown.locator("tr.member button").first.focus()
    shown.keyboard.press("Space")
    # The number and colour that were free.
    assert pinned(shown) == ["1 64-128", "2 8-16, seed 1", "3 16-32"]
    shown.locator(".card .release").last.focus()
    shown.keyboard.press("Enter")
    assert pinned(shown) == ["1 64-128", "2 8-16, seed 1"]
    assert shown.evaluate("document.activeElement.id") == "side-heading"
    assert (
        shown.evaluate("""() => [...document.querySelectorAll("button, a, select, .scatter svg")]
      .filter((one) => one.offsetParent && one.tabIndex < 0).map((one) => one.outerHTML)""")
        == []
    )
    assert shown.locator(".scatter [tabindex='0']").count() == 1


def test_six_can_be_pinned_and_a_seventh_is_told_why_not(show):
    shown = show(SWEEPS["thirty"])
    buttons = shown.locator("tr.member button")
    for number in range(5):
        buttons.nth(number).click()
    assert [words.split(" ")[0] for words in pinned(shown)] == list("123456")
    assert shown.locator(".spoken").inner_text() == "Six are pinned already: release one first."
    for _ in range(6):
        shown.locator(".release").first.click()
    assert "Nothing is pinned" in shown.locator("#side").inner_text()


def test_the_kernels_beside_each_other_are_those_of_the_runs_on_one_scale(show):
    found = configurations(grid(visualize__kernel_limit=0.3))
    shown = show(found)
    # Of the best and of the cheapest, each its most accurate run: seed 3.
    for card, one in zip(shown.locator(".card").all(), (found[3], found[0]), strict=True):
        kernel = one.runs[2].kernel
        drawn = card.locator("canvas").evaluate_all(
            """(all) => all.map((one) =>
              [...one.getContext('2d').getImageData(0, 0, one.width, one.height).data])"""
        )
        assert len(drawn) == kernel.shape[-1]
        # The corner of each cell of 5 pixels; its middle has a dot where the weight is beyond the scale.
        pixels = np.array(drawn).reshape(-1, 15, 15, 4)
        expected = colormaps["RdBu_r"]((kernel[:, :, 0].transpose(2, 0, 1) + 0.3) / 0.6, bytes=True)
        # Half precision may be the next of 256 colours.
        np.testing.assert_allclose(pixels[:, ::5, ::5, :3], expected[..., :3], atol=6)
        dots = (pixels[:, 2::5, 2::5, :3] == 255).all(axis=-1)
        np.testing.assert_array_equal(dots, np.abs(kernel[:, :, 0].transpose(2, 0, 1)) > 0.3)
    assert "weight (• beyond ±0.3)" in shown.locator("#side").inner_text()


def test_the_curves_beside_each_other_are_means_over_the_seeds(show):
    shown = show(SWEEPS["twelve"])
    loss, accuracy = shown.locator("#side .readout").all()
    # 0.062 and 0.092 at the end of training, and 0.1 more one epoch later.
    assert loss.inner_text() == "epoch 3: 1: 64-128: 0.162; 2: 8-16: 0.192"
    assert accuracy.inner_text() == "epoch 3: 1: 64-128: 83.8 %; 2: 8-16: 80.8 %"
    shown.locator("#side [role=slider]").first.focus()
    shown.keyboard.press("ArrowLeft")
    assert loss.inner_text() == "epoch 2: 1: 64-128: 0.062; 2: 8-16: 0.092"


def test_a_run_that_stopped_early_has_a_shorter_curve(show):
    found = configurations([run(filters=[4, 8], epochs=2), run(filters=[8, 16], epochs=5, accuracy=0.95)])
    shown = show(found)
    words = shown.locator("#side .readout").first
    assert words.inner_text() == "epoch 5: 1: 4-8: –; 2: 8-16: 0.150"
    shown.locator("#side [role=slider]").first.focus()
    shown.keyboard.press("Home")
    assert words.inner_text() == "epoch 1: 1: 4-8: 0.100; 2: 8-16: 0.350"


def test_the_scores_of_each_class_are_beside_each_other(show):
    shown = show(SWEEPS["twelve"])
    rows = shown.locator("#side tbody tr").all()
    # F1 is the accuracy, of the second class 0.02 less; the standard deviation over seeds is 0.004.
    assert [cells(row) for row in rows] == [
        ["circle", "0.938 ± 0.004", "0.908 ± 0.004", "3.0"],
        ["square", "0.918 ± 0.004", "0.888 ± 0.004", "3.0"],
    ]
    shown.get_by_role("button", name="recall", exact=True).last.click()
    assert cells(shown.locator("#side tbody tr").last) == ["square", "0.908 ± 0.004", "0.878 ± 0.004", "3.0"]


def test_what_runs_lack_is_said_where_it_would_be(show):
    bare = dataclasses.replace(run(filters=[4, 8], accuracy=0.8), kernel=None, class_scores={})
    problems = ["`s-crashed` (model.filters=[99]): no such experiment, its job failed"]
    shown = show(configurations([bare, run(filters=[8, 16])]), problems)
    assert shown.locator(".missing").inner_text() == problems[0].replace("`", "")
    assert "2 of 3" in shown.locator(".scores").inner_text()
    text = shown.locator("#side").inner_text()
    assert "its kernels are not here" in text
    assert "Without scores of each class: 4-8." in text
    assert cells(shown.locator("#side tbody tr").first) == ["circle", "–", "0.900", "–"]


def test_of_different_data_none_is_called_the_best(show):
    runs = [run(accuracy=0.9, data__name="digits"), run(accuracy=0.99, data__name="mnist")]
    shown = show(configurations(runs))
    assert "none of them is called the best" in shown.locator(".scores").inner_text()
    assert shown.locator(".scatter .point.front, .scatter .line.front").count() == 0
    assert "best" not in shown.locator("#runs tbody").inner_text()


def test_hostile_names_are_shown_and_do_nothing(show):
    runs = [
        run(f"a.b={name}", classes=HOSTILE, accuracy=0.9 + 0.001 * number, a__b=name)
        for number, name in enumerate(HOSTILE)
    ]
    runs = [dataclasses.replace(one, name=f"{one.name}-{one.params['a.b']}") for one in runs]
    found = configurations(runs)
    for width in (375, 1440):
        shown = show(found, HOSTILE, width=width)
        shown.locator("#trade select").select_option("a.b")
        for button in shown.locator("tr.mean button[aria-pressed=false]").all()[:4]:
            button.click()
        scroll_through(shown)
        assert shown.locator("#side tbody th").all_inner_texts() == HOSTILE
        assert sorted(shown.locator("#runs tbody th").all_inner_texts()) == sorted(HOSTILE)
        assert shown.locator(".missing li").all_inner_texts() == HOSTILE
        assert shown.locator("img, main script, b").count() == 0
        assert beyond(shown) == []


@pytest.mark.parametrize("name", SWEEPS)
def test_nothing_lies_beyond_the_window_in_the_page_of_any_sweep(show, name):
    for width in (375, 1440):
        shown = show(SWEEPS[name], width=width)
        for factor in shown.locator("#trade option").evaluate_all("(all) => all.map((one) => one.value)"):
            shown.locator("#trade select").select_option(factor)
            assert beyond(shown) == []
        assert shown.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [(375, "dark", "English"), (1440, "light", "한국어"), (1440, "dark", "English")],
)
def test_axe_finds_no_violation_and_pictures_of_each_part_are_kept(show, width, scheme, language):
    """The pictures are for a person to look at."""
    shown = show(SWEEPS["twelve"], ["`a` failed"], width=width, color_scheme=scheme)
    shown.get_by_role("button", name=language).click()
    shown.locator("tr.member button").first.click()
    shown.locator(".scatter .point").nth(1).focus()
    assert violations(shown) == []
    assert beyond(shown) == []
    SCREENSHOTS.mkdir(exist_ok=True)
    for part in SWEEP.parts:
        path = SCREENSHOTS / f"sweep_{part}_{width}_{scheme}_{'en' if language == 'English' else 'ko'}.png"
        shown.locator(f"#{part}").screenshot(path=path)
        assert path.stat().st_size > 5000


def test_korean_replaces_every_english_word_and_keeps_what_is_pinned(show):
    shown = show(SWEEPS["twelve"], ["`a`"])
    shown.locator("tr.member button").first.click()
    before = len(pinned(shown))
    shown.get_by_role("button", name="한국어").click()
    assert shown.evaluate("[document.documentElement.lang, document.title]") == ["ko", "스위프 s"]
    assert len(pinned(shown)) == before
    assert shown.locator("tr.member button").first.get_attribute("aria-pressed") == "true"
    english = {
        words["en"] for words in json_of(BROWSER / "words.json").values() if words["en"] != words["ko"]
    }
    text = shown.locator("body").inner_text()
    assert [words for words in english if len(words) > 10 and words in text] == []


def test_equal_runs_give_equal_bytes_and_fifteen_runs_are_well_below_a_megabyte():
    found = configurations(grid(seeds=(1, 2, 3, 4), size=3))
    assert made(found) == made(configurations(grid(seeds=(1, 2, 3, 4), size=3)))
    assert len(made(found).encode()) < 500_000


def test_of_large_kernels_every_run_shows_as_many_as_there_is_room_for(show):
    found = configurations(grid(choices=[(96, 8), (96, 16)], size=11, channels=3))
    text = made(found)
    assert len(text.encode()) < 800_000
    counts = {int(n) for n in re.findall(r'data-shape="\[11, 11, 3, (\d+)\]"', text)}
    (count,) = counts
    # Six runs, two bytes a weight, four characters for three bytes: one filter more would not fit.
    assert 6 * 11 * 11 * 3 * 2 * 4 / 3 * count <= page.KERNEL_CHARACTERS
    assert 6 * 11 * 11 * 3 * 2 * 4 / 3 * (count + 1) > page.KERNEL_CHARACTERS
    shown = show(found)
    assert shown.get_by_text(f"The first {count} of 96 filters").count() == 2
    wait_until(shown, f"document.querySelectorAll('.card canvas').length === {2 * count}")
