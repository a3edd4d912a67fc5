"""The page as its readers use it: what it shows, does and never does."""

import shutil
import time

import numpy as np
import pytest
from browser import wait_until
from conftest import ROOT
from made_run import CLASSES, images_of_shapes, json_of, network_of, remake_page, rows_of

pytest_plugins = ["page_fixtures"]

PARTS = ("overview", "learning", "results", "weights", "live", "truth")
SCREENSHOTS = ROOT / ".screenshots"
AXE = ROOT / "tests/page/axe/axe.min.js"
HOSTILE = ["<img src=x onerror=alert(1)>", '"><script>alert(2)</script>', "</script><b>", "'; --", "a & b", "{{ 7 * 7 }}", "﷽ עברית", "x" * 90, "__proto__", "0"]
# Elements beyond the window, but for those inside of something that scrolls or is cut off.
BEYOND = """() => [...document.querySelectorAll("body *")].filter((element) => {
  const box = element.getBoundingClientRect();
  if (!box.width || (box.left >= -1 && box.right <= document.documentElement.clientWidth + 1)) return false;
  for (let above = element; above; above = above.parentElement) {
    const { overflowX, clipPath } = getComputedStyle(above);
    if (overflowX !== "visible" || clipPath !== "none" || above.classList.contains("skip")) return false;
  }
  return true;
}).map((element) => element.outerHTML.slice(0, 120))"""


def scroll_through(page):
    """Bring each part into sight, so that all of it is drawn."""
    for part in PARTS:
        page.evaluate(f"document.getElementById('{part}').scrollIntoView({{behavior: 'instant'}})")
        page.wait_for_timeout(120)


def probabilities(page):
    return page.locator(".chances .value").all_inner_texts()


def test_it_asks_for_nothing_and_complains_of_nothing(opened, default_page):
    watched = opened(default_page)
    scroll_through(watched.page)
    watched.page.get_by_role("button", name="한국어").click()
    scroll_through(watched.page)
    assert watched.requests == [default_page.as_uri()]
    assert watched.complaints == []


def test_it_works_in_another_folder(opened, default_page, tmp_path):
    moved = tmp_path / "ein Ordner" / "page %20.html"
    moved.parent.mkdir()
    shutil.copy(default_page, moved)
    watched = opened(moved)
    assert watched.page.locator(".predicted").inner_text().startswith("predicted: class")
    assert watched.complaints == []


def test_the_policy_lets_nothing_else_run_or_load(opened, default_page):
    page = opened(default_page).page
    blocked = page.evaluate(
        """async () => {
          const seen = [];
          document.addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
          const script = document.createElement("script");
          try { script.text = "window.ran = true"; } catch { seen.push("trusted-types"); }
          document.body.append(Object.assign(document.createElement("img"), {src: "data:image/gif;base64,R0lGODlhAQABAAAAACw="}));
          await fetch("data:text/plain,1").catch(() => {});
          document.body.append(Object.assign(document.createElement("style"), {textContent: "*{color:red}"}));
          await new Promise((done) => setTimeout(done, 100));
          return seen;
        }"""
    )
    assert {"trusted-types", "img-src", "connect-src", "style-src-elem"} <= set(blocked)
    assert page.evaluate("window.ran") is None


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [(375, "light", "English"), (375, "dark", "한국어"), (1440, "light", "한국어"), (1440, "dark", "English")],
)
def test_nothing_lies_beyond_the_window_and_pictures_of_each_part_are_kept(opened, default_page, width, scheme, language):
    """The pictures are for a person to look at."""
    page = opened(default_page, width=width, color_scheme=scheme, reduced_motion="reduce").page
    page.get_by_role("button", name=language).click()
    scroll_through(page)
    assert page.evaluate(BEYOND) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    SCREENSHOTS.mkdir(exist_ok=True)
    for part in PARTS:
        path = SCREENSHOTS / f"{part}_{width}_{scheme}_{'en' if language == 'English' else 'ko'}.png"
        page.locator(f"#{part}").screenshot(path=path)
        assert path.stat().st_size > 5000


@pytest.mark.parametrize(("width", "scheme"), [(375, "dark"), (1440, "light")])
def test_axe_finds_no_violation(opened, default_page, width, scheme):
    page = opened(default_page, width=width, color_scheme=scheme, reduced_motion="reduce").page
    page.locator("#layer-1 .tile").first.click()
    page.locator(".layer-card .term").first.focus()
    page.evaluate(AXE.read_text(encoding="utf-8") + "; undefined")
    found = page.evaluate("axe.run().then((result) => result.violations.map((v) => [v.id, v.help, v.nodes.length, v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + n.failureSummary)]))")
    assert found == [], "\n".join(map(str, found))


def test_hostile_class_names_are_shown_and_do_nothing(opened, make_page):
    path = make_page(network_of("model.filters=[3,4]", shape=(12, 12, 1)), classes=HOSTILE)
    for width in (375, 1440):
        watched = opened(path, width=width)
        dialogs = []
        watched.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        scroll_through(watched.page)
        assert watched.page.locator(".class-name").all_inner_texts() == HOSTILE
        assert watched.page.evaluate(BEYOND) == []
        assert (dialogs, watched.complaints, watched.requests) == ([], [], [path.as_uri()])
        assert watched.page.locator("img, main b + img, main script").count() == 0


def test_a_mistake_is_sent_into_the_live_network_by_a_click(opened, default_page):
    page = opened(default_page).page
    mistakes = page.evaluate("filterscope.values.mistakes.map((i) => filterscope.values.images[i])")
    assert mistakes
    page.locator(".mistakes button").nth(1).click()
    assert page.locator(".source").inner_text() == f"test image {mistakes[1]['index']}: {CLASSES[mistakes[1]['actual']]}"
    expected = np.load(default_page.parents[1] / "prepared/test_images.npy")[mistakes[1]["index"]]
    np.testing.assert_array_equal(page.evaluate("Array.from(filterscope.live.pixels)"), expected.ravel())
    wait_until(page, f"document.querySelector('.predicted').textContent.includes('{CLASSES[mistakes[1]['predicted']]}')")


def test_mistakes_are_in_the_order_of_confidence(opened, default_page):
    page = opened(default_page).page
    shares = page.evaluate(
        """() => { const { values, arrayOf } = filterscope; const K = values.classes.length;
        return values.mistakes.map((i) => arrayOf("probabilities").data[i * K + values.images[i].predicted]); }"""
    )
    assert shares == sorted(shares, reverse=True)
    assert all(a["actual"] != a["predicted"] for a in page.evaluate("filterscope.values.mistakes.map((i) => filterscope.values.images[i])"))


def test_a_cell_of_the_confusion_opens_the_images_behind_it(opened, default_page):
    page = opened(default_page).page
    rows = rows_of(default_page.parent / "confusion.csv")
    counts = {}
    for row in rows:
        counts[row["actual"], row["predicted"]] = counts.get((row["actual"], row["predicted"]), 0) + 1
    (actual, predicted), count = max(counts.items(), key=lambda item: item[1])
    page.get_by_role("button", name=f"{actual}, predicted as {predicted}: {count} images").click()
    shown = page.locator(".opened .thumbnail")
    # All 90 test images are in the page.
    assert shown.count() == count
    assert page.locator(".opened h4").inner_text() == f"{actual} → {predicted}"
    labels = {shown.nth(i).get_attribute("title") for i in range(count)}
    expected = {f"test image {i}: {actual}. Send it into the live network" for i, row in enumerate(rows) if (row["actual"], row["predicted"]) == (actual, predicted)}
    assert labels == expected


def test_a_filter_that_is_switched_off_changes_what_keras_says_it_changes(opened, default_page):
    from pipeline import files, models

    page = opened(default_page).page
    before = page.evaluate("filterscope.live.pixels.length")
    page.locator("#layer-1 .tile").nth(5).click()
    wait_until(page, "document.querySelectorAll('.chances .change')[0].textContent !== ''")
    network = models.load_model(default_page.parents[1] / "models/best.keras", (28, 28, 1))
    kernel, bias = network.layers[0].get_weights()
    kernel[..., 5], bias[5] = 0, 0
    network.layers[0].set_weights([kernel, bias])
    image = np.load(default_page.parents[1] / "prepared/train_images.npy")[:1] / 255.0
    expected = np.asarray(network(image.astype(np.float32)))[0]
    found = [float(row.get_attribute("style").split("--share: ")[1].split(";")[0]) for row in page.locator(".chances li").all()]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    lost = json_of(default_page.parent / "explain.json")["importance"]["layers"]["conv2d"]["accuracy_lost"][5]
    words = page.locator(".off-list li").inner_text()
    size = f"{abs(100 * lost):.1f}"
    sign = "±" if size == "0.0" else ("−" if lost > 0 else "+")
    assert words == f"conv2d, filter 5: accuracy {sign}{size} points over 24 validation images"
    page.get_by_role("button", name="Switch all on again").click()
    wait_until(page, "document.querySelectorAll('.off-list li').length === 0")
    assert before == 784
    assert files.read_keras is not None


def test_a_pixel_is_told_term_by_term_and_its_field_is_marked(opened, default_page):
    page = opened(default_page).page
    tile = page.locator("#layer-1 .tile canvas").nth(3)
    tile.scroll_into_view_if_needed()
    box = tile.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 10.5 / 28, box["y"] + box["height"] * 12.5 / 28)
    wait_until(page, "document.querySelector('.inspector h3').textContent.startsWith('conv2d 3: row 12, column 10')")
    terms = page.evaluate("""() => {
      const { values, arrayOf, buildNetwork, run, convolutionTerms, live } = filterscope;
      const network = run(buildNetwork(values.layers, (l, k) => arrayOf(`trained/${l.name}/${k}`).data), live.pixels);
      const places = [...Array(200).keys()].map((i) => [i % 2 ? 2 : 0, (7 * i) % 14, (5 * i) % 14, (3 * i) % 32]);
      return places.map(([depth, row, column, channel]) => {
        const step = network.steps[depth];
        const told = convolutionTerms(network, depth, { row, column, channel });
        return [told.output, step.output[(row * step.output_shape[1] + column) * step.output_shape[2] + channel]];
      });
    }""")
    told, computed = np.array(terms).T
    np.testing.assert_allclose(told, computed, atol=1e-5 * np.abs(computed).max())
    assert np.abs(computed).max() > 0
    assert page.locator(".products span").count() == 9
    # Rows 11 to 13 and columns 9 to 11 of 28.
    place = page.locator(".field-mark").evaluate("(mark) => [mark.style.top, mark.style.left, mark.style.width, mark.style.height].map(parseFloat)")
    np.testing.assert_allclose(place, [100 * 11 / 28, 100 * 9 / 28, 100 * 3 / 28, 100 * 3 / 28], rtol=1e-4)


def test_the_receptive_field_in_the_browser_is_that_of_the_stage_explain(opened, make_page):
    from pipeline import models
    from pipeline.patches import receptive_fields

    overrides = ("model.filters=[3,4,5]", "model.kernel_size=[4,3,3]", "model.strides=[2,1,1]", "model.padding=[same,valid,same]", "model.pool=[max,average,none]", "model.pool_size=[3,2,2]", "model.pool_strides=[1,2,2]")
    path = make_page(network_of(*overrides, shape=(26, 31, 1)))
    network = models.load_model(path.parents[1] / "models/best.keras", (26, 31, 1))
    page = opened(path).page
    for depth, (down, across) in enumerate(receptive_fields(network).values()):
        found = page.evaluate("""([depth]) => { const { values, buildNetwork, receptiveField, arrayOf } = filterscope;
          const network = buildNetwork(values.layers, (l, k) => arrayOf(`trained/${l.name}/${k}`).data);
          return receptiveField(network, depth, 1, 2); }""", [depth])
        assert (found["top"], found["bottom"]) == down.extent(1)
        assert (found["left"], found["right"]) == across.extent(2)


def test_the_untrained_network_and_every_epoch_can_be_chosen(opened, default_page):
    page = opened(default_page).page
    trained = probabilities(page)
    chooser = page.locator(".live-controls select")
    chooser.select_option("untrained")
    wait_until(page, f"document.querySelector('.chances .value').textContent !== {trained[0]!r}")
    chooser.select_option("2")
    page.get_by_text("No probabilities: of this epoch only the convolutions are kept.").first.wait_for()
    assert page.locator(".chances").is_hidden()
    assert page.locator("#layer-1 .tiles").is_visible()
    assert page.locator("#layer-6").get_by_text("Of this epoch only the convolutions are kept").is_visible()
    chooser.select_option("trained")
    wait_until(page, f"document.querySelector('.chances .value').textContent === {trained[0]!r}")


def test_the_slider_goes_through_the_epochs_and_plays_them(opened, default_page):
    page = opened(default_page).page
    slider = page.locator(".watch input[type=range]")
    assert page.locator(".watch .epoch").inner_text() == "untrained"
    slider.fill("2")
    assert page.locator(".watch .epoch").inner_text() == "after epoch 2"
    kernels = np.load(default_page.parents[1] / "models/epochs.npz")["conv2d/kernel"].astype(np.float64)
    shown = dict(zip(page.locator(".watch dt").all_inner_texts(), page.locator(".watch dd").all_inner_texts(), strict=True))
    assert float(shown["mean weight"].replace("−", "-")) == pytest.approx(kernels[2].mean(), rel=0.01, abs=1e-4)
    assert float(shown["standard deviation"]) == pytest.approx(kernels[2].std(), rel=0.01)
    travel = np.linalg.norm(kernels[2] - kernels[0]) / np.linalg.norm(kernels[0])
    assert float(shown["distance from the start (× the start's length)"]) == pytest.approx(travel, rel=0.01)
    assert shown["validation accuracy"] == "65.00 %"
    slider.fill("0")
    page.get_by_role("button", name="Play").click()
    wait_until(page, "document.querySelector('.watch .epoch').textContent === 'after epoch 3 (best)'")
    page.get_by_role("button", name="Play").wait_for()


def test_filters_are_ordered_by_importance_and_by_fire_rate(opened, default_page):
    page = opened(default_page).page
    numbers = lambda: [int(b.get_attribute("data-number")) for b in page.locator(".weights-grid .tile").all()]  # noqa: E731
    assert numbers() == list(range(32))
    lost = json_of(default_page.parent / "explain.json")["importance"]["layers"]["conv2d"]["accuracy_lost"]
    rates = json_of(default_page.parent / "features.json")["layers"]["conv2d"]["fire_rates"]
    page.get_by_role("button", name="importance", exact=True).click()
    assert [lost[n] for n in numbers()] == sorted(lost, reverse=True)
    page.get_by_role("button", name="fire rate", exact=True).click()
    assert [rates[n] for n in numbers()] == sorted(rates, reverse=True)


def test_dead_filters_are_marked(opened, make_page):
    path = make_page(network_of("model.filters=[4,5]", shape=(14, 14, 1)))
    report = path.parent / "features.json"
    about = json_of(report)
    about["layers"]["conv2d"]["dead"] = [2]
    import json

    report.write_text(json.dumps(about))
    page = opened(remake_page(path.parents[1])).page
    assert page.locator(".weights-grid .tile.dead .number").all_inner_texts() == ["2 dead"]
    assert page.locator("#layer-1 .tile.dead").count() == 1


def test_patches_are_cut_from_the_images_where_keras_was_excited(opened, make_page):
    path = make_page(network_of("model.filters=[4,5]", shape=(14, 14, 1)))
    page = opened(path).page
    rows = json_of(path.parent / "explain.json")["patches"]["layers"]["conv2d_1"]
    images = np.pad(np.load(path.parents[1] / "prepared/validation_images.npy")[..., 0], [(0, 0), (8, 8), (8, 8)])
    found = page.evaluate("""() => { const { arrayOf } = filterscope; const a = arrayOf("patches/conv2d_1/pixels"), b = arrayOf("patches/conv2d_1/places");
      return [Array.from(a.data), a.shape, Array.from(b.data)]; }""")
    pixels, places = np.array(found[0]).reshape(found[1]), np.array(found[2]).reshape(*found[1][:2], 4)
    for f in range(5):
        for p in range(9):
            # Output (r, c) of the second 3×3 "same" convolution behind 2×2 pooling sees 8×8 pixels from 2r - 3.
            top, left = 2 * rows["rows"][f][p] - 3 + 8, 2 * rows["columns"][f][p] - 3 + 8
            expected = images[rows["images"][f][p], top : top + 8, left : left + 8]
            first_row, end_row, first_column, end_column = places[f, p]
            drawn = np.zeros((8, 8))
            drawn[first_row:end_row, first_column:end_column] = pixels[f, p, : end_row - first_row, : end_column - first_column, 0]
            np.testing.assert_array_equal(drawn, expected)


def test_it_is_used_by_keys_alone(opened, default_page):
    page = opened(default_page).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#layer-1 .tile").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    wait_until(page, "document.querySelector('.inspector h3').textContent.startsWith('conv2d 2:')")
    before = page.locator(".inspector h3").inner_text()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    wait_until(page, f"document.querySelector('.inspector h3').textContent !== {before!r}")
    page.keyboard.press("Enter")
    wait_until(page, "document.querySelectorAll('.off-list li').length === 1")
    page.locator(".surface").focus()
    page.keyboard.press("Delete")
    page.keyboard.press("Space")
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    wait_until(page, "filterscope.live.pixels.filter((level) => level > 200).length >= 6")
    page.locator(".plot[role=slider]").first.focus()
    page.keyboard.press("Home")
    assert page.locator(".readout").first.inner_text().startswith("epoch 1: training 0.900 nats, validation 0.800 nats")


def test_every_control_can_be_reached_by_tab(opened, default_page):
    page = opened(default_page).page
    reached = page.evaluate("""() => {
      const controls = [...document.querySelectorAll("button, a, input, select, summary, [tabindex='0']")].filter((e) => e.offsetParent && !e.closest(".tiles, .confusion, .bars"));
      return controls.filter((element) => element.tabIndex < 0).map((element) => element.outerHTML.slice(0, 80)); }""")
    assert reached == []
    one_stop = page.evaluate("""[...document.querySelectorAll(".tiles:has(button), table.confusion, .bars")].map((group) => group.querySelectorAll("[tabindex='0']").length)""")
    assert set(one_stop) == {1}


def test_terms_explain_themselves_on_focus_and_escape_hides_them(opened, default_page):
    page = opened(default_page).page
    page.locator("#weights .term").first.focus()
    assert page.locator("#tip").inner_text().startswith("Kernel: a small grid of weights")
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_korean_is_remembered_and_replaces_every_english_word(opened, default_page):
    watched = opened(default_page)
    watched.page.get_by_role("button", name="한국어").click()
    assert watched.page.evaluate("document.documentElement.lang") == "ko"
    assert watched.page.locator("#live-heading").inner_text() == "살아 있는 신경망"
    watched.page.reload()
    watched.page.wait_for_selector("html[data-ready]", state="attached")
    assert watched.page.locator("#live-heading").inner_text() == "살아 있는 신경망"
    english = set(word["en"] for word in json_of(ROOT / "pipeline/page/browser/words.json").values() if len(word["en"]) > 12 and word["en"] != word["ko"])
    text = watched.page.locator("body").inner_text()
    assert [words for words in english if words in text] == []


def test_the_browser_checks_itself_against_the_twin(opened, default_page):
    page = opened(default_page).page
    page.evaluate("document.getElementById('truth').scrollIntoView()")
    place = page.locator(".here dd").first
    place.wait_for(timeout=20000)
    assert page.locator(".here").get_by_text("91 of 91 images").is_visible()


def test_a_network_too_large_for_the_limit_leaves_the_live_part_out_and_says_so(opened, default_page, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(default_page.parents[1], folder)
    path = remake_page(folder, "page.max_megabytes=1")
    assert path.stat().st_size <= 1_000_000
    watched = opened(path)
    scroll_through(watched.page)
    assert watched.page.locator("#live").get_by_text("do not fit into a page of 1 MB").is_visible()
    assert watched.page.locator(".thumbnail").count() > 10
    assert watched.complaints == []


def test_the_colour_scales_are_those_of_the_pictures(opened, default_page):
    from matplotlib import colormaps

    page = opened(default_page).page
    for name, other in (("SIGNED", "RdBu_r"), ("POSITIVE", "Blues")):
        found = np.array(page.evaluate(f"Array.from(filterscope.colours.{name})")).reshape(256, 3)
        expected = colormaps[other](np.arange(256), bytes=True)[:, :3].astype(int)
        assert np.abs(found - expected).max() <= 1


# Speed


PASS = """([layers, images, size, count]) => {
  const network = filterscope.buildNetwork(layers, (layer, kind) => {
    const shape = kind === "bias" ? layer.output_shape.at(-1) : layer.parameters - layer.output_shape.at(-1);
    return Float32Array.from({ length: shape }, (_, i) => Math.sin(i) / 10);
  });
  const pixels = Uint8Array.from(atob(images), (c) => c.charCodeAt(0));
  const times = [];
  for (let n = 0; n < count; n++) {
    const start = performance.now();
    filterscope.run(network, pixels.subarray((n % 8) * size, (n % 8 + 1) * size));
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[count >> 1];
}"""


@pytest.mark.parametrize(("model", "milliseconds"), [("cnn", 50), ("alexnet", 250)])
def test_a_pass_is_fast_enough_to_draw_with(opened, default_page, tmp_path, model, milliseconds):
    import base64

    from pipeline import files, weights
    from pipeline.page.export import described

    network_of(f"model={model}").save(tmp_path / "a.keras")
    layers = [described(layer) for layer in weights.layers(*files.read_keras(tmp_path / "a.keras"))]
    images = base64.b64encode(images_of_shapes(8, (28, 28, 1), 1).tobytes()).decode()
    page = opened(default_page).page
    assert page.evaluate(PASS, [layers, images, 784, 15]) < milliseconds


def test_it_opens_within_the_bars(opened, default_page):
    assert default_page.stat().st_size <= 4_000_000
    page = opened(default_page).page
    # The best of three: other processes share this machine.
    paints, ready = [], []
    for _ in range(3):
        start = time.perf_counter()
        page.reload(wait_until="commit")
        page.wait_for_selector("html[data-ready]", state="attached")
        ready.append(time.perf_counter() - start)
        wait_until(page, "performance.getEntriesByName('first-contentful-paint').length > 0")
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000)
    assert min(paints) <= 1
    assert min(ready) <= 2


def test_the_pen_is_never_held_up(opened, default_page):
    page = opened(default_page).page
    page.evaluate("document.getElementById('live').scrollIntoView({behavior: 'instant'})")
    page.evaluate("""() => {
      window.longest = 0;
      let last = performance.now();
      const frame = (now) => { window.longest = Math.max(window.longest, now - last); last = now; requestAnimationFrame(frame); };
      setTimeout(() => { last = performance.now(); requestAnimationFrame(frame); }, 500);
    }""")
    page.wait_for_timeout(600)
    box = page.locator(".surface canvas").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    for n in range(60):
        page.mouse.move(box["x"] + 40 + 2 * n, box["y"] + 40 + (n * 7) % 100)
    page.mouse.up()
    assert page.evaluate("window.longest") < 250
