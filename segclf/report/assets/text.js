// The text: a row for each sentence, with its probability and its boundaries.
//
// All rows are in the document, so that the browser can search them. They are grouped into chunks
// with `content-visibility: auto`, of which the browser lays out only those near the view.

const CHUNK = 60; // sentences
const CONTEXT = 1; // sentences on each side of an error that a filter keeps
const ERRORS = ["miss", "false"];
const FILTERS = { all: null, errors: ERRORS, miss: ["miss"], false: ["false"] };

const sentences = []; // rows
const chunks = []; // { box, start, stop }
const shownKinds = new Array(size).fill(null);
const shownSigns = new Array(size).fill(null);
const hits = { hit: 0, miss: 0, false: 0 };

function buildText() {
  const fragment = document.createDocumentFragment();
  for (const { name, start, stop } of data.documents) {
    const heading = document.createElement("h3");
    heading.textContent = name;
    heading.dataset.start = start;
    fragment.append(heading);
    for (let first = start; first < stop; ) {
      const last = chunkEnd(first, stop);
      fragment.append(makeChunk(first, last));
      first = last;
    }
  }
  element("text").replaceChildren(fragment);
  element("text").addEventListener("click", (event) => {
    const row = event.target.closest(".s");
    if (row) setCurrent(Number(row.dataset.i));
  });
}

/** End of the chunk that begins at `first`: the end of a paragraph, unless it is very long. */
function chunkEnd(first, stop) {
  for (let i = first + CHUNK; i < Math.min(first + 2 * CHUNK, stop); i++) {
    if (labels[state.type][i]) return i;
  }
  return Math.min(first + 2 * CHUNK, stop);
}

function makeChunk(start, stop) {
  const box = document.createElement("div");
  box.className = "chunk";
  for (let i = start; i < stop; i++) {
    const row = document.createElement("p");
    row.className = "s";
    row.dataset.i = i;
    row.textContent = data.sentences[i];
    sentences.push(row);
    box.append(row);
  }
  chunks.push({ box, start, stop });
  return box;
}

/** Set the bars, after another model or type has been selected. */
function paintProbabilities() {
  sentences.forEach((row, i) => row.style.setProperty("--p", result.probabilities[i].toFixed(3)));
}

/** Set the signs and the kinds of the sentences that have changed. */
function paintText() {
  const head = headOf(state.system);
  const threshold = state.moved[head] ?? chosenThreshold(state.system.heads[head]).value;
  element("text").style.setProperty("--t", threshold);
  for (const kind of Object.keys(hits)) hits[kind] = 0;
  for (let i = 0; i < size; i++) {
    const kind = kindOf(i);
    if (kind in hits) hits[kind]++;
    const [truth, found] = [trueSign(i), foundSign(i)];
    if (shownSigns[i] !== truth + "/" + found) {
      shownSigns[i] = truth + "/" + found;
      sentences[i].dataset.truth = truth;
      sentences[i].dataset.found = found;
    }
    if (shownKinds[i] !== kind) {
      shownKinds[i] = kind;
      sentences[i].dataset.kind = kind;
    }
  }
  for (const kind of Object.keys(hits)) {
    for (const place of document.querySelectorAll(`[data-count="${kind}"]`)) {
      place.textContent = number(hits[kind]);
    }
  }
  element("errors-count").textContent = number(hits.miss + hits.false);
  paintFilter();
  paintStatus();
}

/** Hide the sentences that are far from every sentence of the selected kinds. */
function paintFilter() {
  const wanted = FILTERS[state.filter];
  const isKept = new Uint8Array(size).fill(wanted ? 0 : 1);
  if (wanted) {
    shownKinds.forEach((kind, i) => {
      if (wanted.includes(kind)) isKept.fill(1, Math.max(i - CONTEXT, 0), i + CONTEXT + 1);
    });
  }
  sentences.forEach((row, i) => {
    if (row.hidden === Boolean(isKept[i])) row.hidden = !isKept[i];
    const isAfterGap = Boolean(wanted && isKept[i] && !isKept[i - 1]);
    if (row.classList.contains("gap") !== isAfterGap) row.classList.toggle("gap", isAfterGap);
  });
  for (const { box, start, stop } of chunks) {
    const kept = isKept.subarray(start, stop).reduce((total, one) => total + one, 0);
    box.hidden = !kept;
    const lines = kept * 1.6; // a guess, until the browser has laid the chunk out once
    box.style.containIntrinsicBlockSize = `auto ${Math.round(lines * 1.75)}em`;
  }
  for (const heading of element("text").querySelectorAll("h3")) heading.hidden = Boolean(wanted);
  element("nothing").hidden = isKept.includes(1);
}

/** Select a sentence and scroll to it. */
function showSentence(i) {
  if (sentences[i].hidden) setFilter("all");
  setCurrent(i);
  element("text-frame").scrollIntoView({ block: "nearest" });
  const heading = isStart[i] && element("text").querySelector(`h3[data-start="${i}"]`);
  if (heading && !heading.hidden) scrollText(heading, 0);
  else scrollText(sentences[i], 0.5);
}

/** Scroll the text, not the page: share 0 puts the place at the start of the view, 0.5 in the middle. */
function scrollText(place, share) {
  const text = element("text");
  // the second time, the chunks around the place have been laid out
  for (let times = 0; times < 2; times++) {
    const [view, target] = [text.getBoundingClientRect(), place.getBoundingClientRect()];
    const across = target.right - view.right + share * (view.width - target.width);
    const down = target.top - view.top - share * (view.height - target.height);
    text.scrollBy(text.classList.contains("vertical") ? { left: across } : { top: down });
  }
}

function setCurrent(i) {
  sentences[state.current]?.removeAttribute("aria-current");
  state.current = i;
  sentences[i].setAttribute("aria-current", "true");
  paintStatus();
  paintStrip();
}

/** Go to the next (1) or the previous (-1) sentence for which `isWanted` holds; wrap around. */
function step(direction, isWanted) {
  const from = firstToSearch(direction);
  for (let distance = 1; distance <= size; distance++) {
    const i = (from + direction * distance + size * 2) % size;
    if (isWanted(i)) return showSentence(i);
  }
  element("status").textContent = "Nothing found.";
}

/** The current sentence; if the reader has scrolled away from it, the first one in view. */
function firstToSearch(direction) {
  const [first, last] = visibleSentences();
  const isInView = state.current >= first && state.current < last;
  return isInView ? state.current : direction > 0 ? first - 1 : last;
}

function stepError(direction) {
  const wanted = FILTERS[state.filter] ?? ERRORS;
  step(direction, (i) => wanted.includes(shownKinds[i]));
}

function setFilter(name) {
  state.filter = name;
  document.querySelector(`input[name="filter"][value="${name}"]`).checked = true;
  paintFilter();
  paintStrip();
}

const KIND_TEXTS = {
  start: "start of a document, not scored",
  hit: "boundary, found",
  miss: "boundary, missed",
  false: "no boundary, false alarm",
  "": "no boundary",
};

function paintStatus() {
  const i = state.current;
  if (i < 0) return;
  const document = data.documents.find(({ start, stop }) => start <= i && i < stop);
  element("status").textContent =
    `Sentence ${number(i - document.start + 1)} of ${document.name}: ` +
    `${KIND_TEXTS[kindOf(i)]}, probability ${format(result.probabilities[i])}`;
}
