// How far this browser is from the class probabilities that Keras computed when the page was made.

const CHECKED_AT_ONCE = 4;

function checkPart() {
  const here = h(
    "div",
    { class: "here", role: "status" },
    h("p", {}, values.live ? t("check.waiting") : tooLarge()),
  );
  if (values.live) whenIdle(() => checkHere(here));
  return part(
    "check",
    h(
      "div",
      { class: "pair" },
      panel(t("check.browser"), h("p", { class: "note" }, t("check.browser.note")), here),
      panel(t("check.offline"), h("p", {}, t("check.offline.note"))),
    ),
  );
}

function difference(value) {
  return value === 0 ? "0" : short(value, 2);
}

function whenIdle(action) {
  (window.requestIdleCallback ?? ((then) => setTimeout(then, 300)))(action, { timeout: 4000 });
}

/** Run every image of the page, a few at a time, and compare with the probabilities of Keras. */
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
          t("check.probabilities"),
          difference(found.largest),
          h("small", {}, t("check.probabilities.note", { n: whole(times.length * values.classes.length) })),
        ],
        [t("check.classes"), t("check.of", { n: found.same, all: times.length })],
        [
          t("check.time"),
          t("milliseconds", { n: times[times.length >> 1].toFixed(1) }),
          h("small", {}, t("check.time.note")),
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
