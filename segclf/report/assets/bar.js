// The bar at the top: the model, the type of boundary, the thresholds and the scores.

const SCORES = { f1: "F1", precision: "Precision", recall: "Recall", pk: "Pk", windowDiff: "WD" };
const TYPE_NAMES = { any: "Any boundary", line: "Lines", paragraph: "Paragraphs" };
const STEP = 0.001; // of a slider

const format = (value) => value.toFixed(3);

function fillSelect(select, values, chosen) {
  select.replaceChildren(...values.map(([value, text]) => new Option(text, value)));
  select.value = chosen;
  select.closest("label").hidden = values.length < 2;
}

/** Show the controls of the selected model. */
function buildBar() {
  fillSelect(
    element("system"),
    data.systems.map((system, index) => [String(index), system.name]),
    String(data.systems.indexOf(state.system)),
  );
  const { types } = state.system;
  fillSelect(element("type"), types.map((type) => [type, TYPE_NAMES[type]]), state.type);
  element("sliders").replaceChildren(...Object.keys(state.system.heads).map(makeSlider));
}

function makeSlider(name, _, names) {
  const copy = element("slider-template").content.cloneNode(true);
  const box = copy.querySelector(".slider");
  const input = box.querySelector("input");
  box.dataset.head = name;
  input.id = `threshold-${name}`;
  box.querySelector("label").htmlFor = input.id;
  box.querySelector(".name").textContent =
    names.length > 1 ? `Threshold: ${TYPE_NAMES[name].toLowerCase()}` : "Threshold";
  const chosen = chosenThreshold(state.system.heads[name]);
  input.step = STEP;
  box.style.setProperty("--chosen", chosen.value);
  input.addEventListener("input", () => moveThreshold(name, Number(input.value)));
  box.querySelector("button").addEventListener("click", () => moveThreshold(name, null));
  return box;
}

/** Move the threshold of a head; null returns to the chosen one. */
function moveThreshold(name, value) {
  const chosen = chosenThreshold(state.system.heads[name]);
  // the slider has steps, and the chosen threshold lies between two of them
  const isChosen = value === null || (!chosen.differs && Math.abs(value - chosen.value) < STEP / 2);
  state.moved[name] = isChosen ? null : Math.min(Math.max(value, 0), 1);
  refreshSoon();
}

function paintBar() {
  for (const box of element("sliders").children) paintSlider(box);
  const isMoved = Object.values(state.moved).some((value) => value != null);
  for (const [name, label] of Object.entries(SCORES)) {
    const box = element(`score-${name}`);
    const [value, change] = [result.scores[name], result.scores[name] - result.chosen[name]];
    box.querySelector("dt").textContent = label;
    box.querySelector(".value").textContent = format(value);
    const shown = isMoved && Math.abs(change) >= 0.0005;
    const better = name === "pk" || name === "windowDiff" ? change < 0 : change > 0;
    const sign = change > 0 ? "+" : "−";
    box.querySelector(".change").textContent = shown ? sign + format(Math.abs(change)) : "";
    box.querySelector(".change").dataset.better = better;
  }
  document.body.dataset.moved = isMoved;
  paintHint(isMoved);
}

function paintSlider(box) {
  const name = box.dataset.head;
  const chosen = chosenThreshold(state.system.heads[name]);
  const moved = state.moved[name];
  const value = moved ?? chosen.value;
  const range = `${format(chosen.low)} to ${format(chosen.high)}, by language`;
  const text = moved == null && chosen.differs ? range : format(value);
  const input = box.querySelector("input");
  input.value = value;
  input.setAttribute("aria-valuetext", `${text}, F1 ${format(result.scores.f1)}`);
  box.querySelector(".number").textContent = text;
  box.querySelector("button").disabled = moved == null;
}

/** Say how to use the threshold that the reader has moved. Only a page of dev with runs has a hint.
 * `segtool segment` has an option for the threshold of the first head only. */
function paintHint(isMoved) {
  const hint = element("hint");
  if (!hint) return;
  const [name] = Object.keys(state.system.heads);
  const moved = Object.keys(state.moved).filter((head) => state.moved[head] != null);
  const isShown = isMoved && state.system.is_run && moved.every((head) => head === name);
  hint.style.visibility = isShown ? "visible" : "hidden"; // it keeps its place, so nothing moves
  element("hint-command").textContent = isShown
    ? `segtool segment new.txt --run ${state.system.name} --threshold ${format(state.moved[name])}`
    : "";
}
