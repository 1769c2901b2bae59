// Starts the page, and connects the controls and the keys.

/** Show everything again for the current thresholds. */
function refresh() {
  recompute();
  paintBar();
  paintCharts();
  paintDocuments();
  paintText();
  drawStrip();
}

let isWaiting = false;

/** Refresh once before the next frame, however many events there are. */
function refreshSoon() {
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => {
    isWaiting = false;
    refresh();
  });
}

/** Show another model or another type of boundary. */
function restart() {
  result.chosen = countAt({}).scores;
  result.probabilities = probabilitiesOf(state.system);
  buildBar();
  paintProbabilities();
  refresh();
}

function toggleTheme() {
  const { style } = document.documentElement;
  const isDark = style.colorScheme
    ? style.colorScheme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  style.colorScheme = isDark ? "light" : "dark";
  drawStrip();
}

function toggleVertical() {
  const [first] = visibleSentences();
  const isVertical = element("text-frame").classList.toggle("vertical");
  element("text").classList.toggle("vertical", isVertical);
  element("vertical").setAttribute("aria-pressed", String(isVertical));
  const shown = nearestShown(first);
  if (shown >= 0) scrollText(sentences[shown], 0);
  drawStrip();
}

function search(direction) {
  const wanted = element("search").value.toLowerCase();
  if (wanted) step(direction, (i) => data.sentences[i].toLowerCase().includes(wanted));
}

function nudge(change) {
  const head = headOf(state.system);
  const value = state.moved[head] ?? chosenThreshold(state.system.heads[head]).value;
  moveThreshold(head, Number(format(value + change))); // the number that is shown
}

const KEYS = {
  n: () => stepError(1),
  p: () => stepError(-1),
  j: () => step(1, (i) => !sentences[i].hidden),
  k: () => step(-1, (i) => !sentences[i].hidden),
  "]": () => nudge(0.01),
  "[": () => nudge(-0.01),
  r: () => Object.keys(state.system.heads).forEach((name) => moveThreshold(name, null)),
  m: () => setFilter(state.filter === "miss" ? "all" : "miss"),
  f: () => setFilter(state.filter === "false" ? "all" : "false"),
  a: () => setFilter("all"),
  v: toggleVertical,
  d: toggleTheme,
  "/": () => element("search").focus(),
  "?": () => element("keys").showModal(),
};

function pressKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.matches("select, input:not([type=range], [type=radio])")) return;
  if (element("keys").open || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
}

function start() {
  selectSystem(0);
  buildText();
  buildCharts();
  buildDocuments();
  buildStrip();
  restart();
  document.addEventListener("keydown", pressKey);
  element("system").addEventListener("change", ({ target }) => {
    selectSystem(Number(target.value));
    restart();
  });
  element("type").addEventListener("change", ({ target }) => {
    state.type = target.value;
    restart();
  });
  element("theme").addEventListener("click", toggleTheme);
  element("vertical").addEventListener("click", toggleVertical);
  element("next").addEventListener("click", () => stepError(1));
  element("previous").addEventListener("click", () => stepError(-1));
  element("help").addEventListener("click", () => element("keys").showModal());
  element("close-keys").addEventListener("click", () => element("keys").close());
  element("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) search(event.shiftKey ? -1 : 1);
    if (event.key === "Escape") element("text").focus();
  });
  for (const input of document.querySelectorAll('input[name="filter"]')) {
    input.addEventListener("change", () => setFilter(input.value));
  }
  element("text").addEventListener("scroll", () => requestAnimationFrame(paintStrip), { passive: true });
  addEventListener("resize", () => requestAnimationFrame(drawStrip));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawStrip);
}

start();
