// How true this page is: the differences that the stage measured, and those of this very browser.

const CHECKED_AT_ONCE = 4;

function truthPart() {
  const { truth } = values;
  const measured = facts([
    [
      t("truth.activations"),
      difference(truth.activations.largest_difference),
      h("small", {}, t("truth.activations.note", { n: whole(truth.activations.count) })),
    ],
    [
      t("truth.extremes"),
      difference(truth.extremes.largest_difference),
      h("small", {}, t("truth.extremes.note", { n: whole(truth.extremes.count) })),
    ],
    [t("truth.classes"), t("truth.of", { n: truth.same_class, all: truth.images })],
  ]);
  const here = h(
    "div",
    { class: "here", role: "status" },
    h("p", {}, values.live ? t("truth.waiting") : tooLarge()),
  );
  if (values.live) whenIdle(() => checkHere(here));
  return part(
    "truth",
    h(
      "div",
      { class: "pair" },
      panel(t("truth.stage"), h("p", { class: "note" }, t("truth.stage.note")), measured),
      panel(t("truth.browser"), h("p", { class: "note" }, t("truth.browser.note")), here),
    ),
    panel(t("truth.offline"), h("p", {}, t("truth.offline.note"))),
  );
}

function difference(value) {
  return value === 0 ? "0" : short(value, 2);
}

function whenIdle(action) {
  (window.requestIdleCallback ?? ((then) => setTimeout(then, 300)))(action, { timeout: 4000 });
}

/** Run every image of the page, a few at a time, and compare with the probabilities of the NumPy twin. */
function checkHere(place) {
  const network = networkOf("trained", " checked");
  const expected = arrayOf("probabilities").data;
  const times = [];
  const found = { largest: 0, same: 0 };
  const some = () => {
    for (let n = 0; n < CHECKED_AT_ONCE && times.length < values.images.length; n++)
      checkImage(network, expected, times, found);
    if (!place.isConnected) return;
    if (times.length < values.images.length) return whenIdle(some);
    times.sort((a, b) => a - b);
    place.replaceChildren(
      facts([
        [
          t("truth.probabilities"),
          difference(found.largest),
          h("small", {}, t("truth.probabilities.note", { n: whole(times.length * values.classes.length) })),
        ],
        [t("truth.classes"), t("truth.of", { n: found.same, all: times.length })],
        [
          t("truth.time"),
          t("milliseconds", { n: times[times.length >> 1].toFixed(1) }),
          h("small", {}, t("truth.time.note")),
        ],
      ]),
    );
  };
  some();
}

function checkImage(network, expected, times, found) {
  const index = times.length;
  const start = performance.now();
  run(network, pixelsOf(index));
  times.push(performance.now() - start);
  const now = probabilitiesOf(network);
  const was = expected.subarray(index * now.length, (index + 1) * now.length);
  for (let k = 0; k < now.length; k++) found.largest = Math.max(found.largest, Math.abs(now[k] - was[k]));
  if (indexOfLargest(now) === indexOfLargest(was)) found.same++;
}
