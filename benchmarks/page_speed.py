"""The page has at most 4 MB, opens to first paint in 1 s, answers in 2 s; a pass takes 50 ms, AlexNet's 250.

    python benchmarks/page_speed.py                # half a minute
    python benchmarks/page_speed.py PAGE.html      # of another network, e.g. of model=alexnet, besides

Measured in Chromium: `reports/index.html`, where it is there, and a page of random weights of every other
network of conf/model/; the bars are those of the default network's file and of the passes. Median of five
openings, each in a window of its own, and of fifty passes over the page's images in one of them. How many
activations are zero, which costs nothing, depends on the weights. Writes results/page_speed.json beside it.
"""

import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import measured

ROOT = measured.ROOT
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "helpers")]

OPENINGS, PASSES, BEFORE = 5, 50, 10
# When the page says that it is ready, in milliseconds since it was asked for.
WATCH = """new MutationObserver((_, observer) => {
  if (!document.documentElement?.dataset.ready) return;
  window.readyAt ??= performance.now();
  observer.disconnect();
}).observe(document, { attributes: true, childList: true, subtree: true });"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
PASS = """([before, count]) => {
  const { values, arrayOf, trainedNetwork, run } = filterscope;
  if (!values.live) return null;
  const { data, shape } = arrayOf("images");
  const [network, size, times] = [trainedNetwork(), shape[1] * shape[2] * shape[3], []];
  for (let n = 0; n < before + count; n++) {
    const at = (n % shape[0]) * size;
    const start = performance.now();
    run(network, data.subarray(at, at + size));
    if (n >= before) times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[count >> 1];
}"""


def pages(given: list[Path], folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Network, whose weights, and file of each page; those of random weights are made in a folder."""
    from conftest import composed
    from made_run import CLASSES, network_of, remake_page, write_run

    default, trained = composed().model, ROOT / "reports" / "index.html"
    for path in given:
        yield path.stem, "given", path
    for name in sorted(path.stem for path in (ROOT / "conf" / "model").glob("*.yaml")):
        if trained.exists() and composed(f"model={name}").model == default:
            yield name, "trained", trained
            continue
        run = folder / name
        run.mkdir()
        write_run(run, network_of(f"model={name}"), CLASSES)
        yield name, "random", remake_page(run, f"model={name}")


def speed(browser: Any, path: Path) -> dict[str, float | None]:
    """Size, seconds until the first paint and until it answers, milliseconds of a pass."""
    from browser import wait_until

    paints, ready, milliseconds = [], [], None
    for number in range(OPENINGS):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(path.resolve().as_uri())
        wait_until(page, f"window.readyAt !== undefined && {PAINTED} !== undefined")
        paints.append(page.evaluate(PAINTED) / 1000)
        ready.append(page.evaluate("window.readyAt") / 1000)
        if number == OPENINGS - 1:
            milliseconds = page.evaluate(PASS, [BEFORE, PASSES])
        context.close()
    return {
        "megabytes": round(path.stat().st_size / 1e6, 2),
        "first_paint_seconds": round(statistics.median(paints), 3),
        "answers_seconds": round(statistics.median(ready), 3),
        "pass_milliseconds": milliseconds and round(milliseconds, 1),
    }


def main(given: list[Path]) -> None:
    """Measure every page, print a line for each, and write all of them with the processor's name."""
    from browser import running_browser

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary, running_browser() as browser:
        for name, weights, path in pages(given, Path(temporary)):
            found[f"{name} ({weights})"] = speed(browser, path)
            print(f"{name}, {weights} weights: {found[f'{name} ({weights})']}", flush=True)
        version = f"Chromium {browser.version}"
    measured.write("page_speed", __doc__ or "", {"browser": version, "pages": found})


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
