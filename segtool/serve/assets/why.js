// Why a paragraph begins with the selected sentence: its probability, and what it depends on.

import * as api from "./api.js";
import { paintEffects, paintSelected, showSentence } from "./book.js";
import {
  element,
  format,
  hasLines,
  isFound,
  isFree,
  isHeading,
  kindAt,
  kindIf,
  number,
  state,
  thresholdOf,
} from "./state.js";

const CONTEXT = 60; // number of sentences that are sent from each side of the boundary
const DELAY = 120; // milliseconds before a request, so that holding down a key sends only one
const KINDS = { paragraph: "a paragraph begins", line: "a line begins", heading: "a heading" };
let timer = 0;
let asked = 0; // number of the latest request

/** Select a sentence; -1 selects none. */
export function select(i) {
  const text = state.current;
  text.selected = i;
  document.body.dataset.selected = i >= 0; // a phone then shows the reason above the text
  paintSelected();
  paintWhy();
  clearTimeout(timer);
  paintEffects([]);
  element("effects").replaceChildren();
  element("left-out").hidden = true;
  asked++;
  if (i >= 0 && isFree(text, i) && !isHeading(text, i)) timer = setTimeout(ask, DELAY, text, i);
}

export function selectAndShow(i) {
  select(i);
  showSentence(i);
}

/** Show what is known without asking the server. */
export function paintWhy() {
  const text = state.current;
  const i = text.selected;
  element("check").disabled = i < 0;
  element("hint").hidden = i >= 0;
  element("reason").hidden = i < 0;
  if (i < 0) {
    element("status").textContent = "";
    return;
  }
  const { text: content, probability } = text.sentences[i];
  element("excerpt").textContent = content;
  element("excerpt").lang = text.header.language;
  const scale = document.querySelector(".scale");
  scale.hidden = !isFree(text, i);
  scale.style.setProperty("--p", probability);
  scale.style.setProperty("--t", thresholdOf(text));
  const kind = kindAt(text, i);
  element("verdict").textContent = verdict(text, i);
  for (const input of document.querySelectorAll('input[name="decision"]')) {
    input.checked = input.value === (kind ?? "none");
    input.closest("fieldset").hidden = !isFree(text, i) || isHeading(text, i);
    if (input.value === "line") input.closest("label").hidden = !hasLines(text);
  }
  const place = `Sentence ${number(i + 1)} of ${number(text.sentences.length)}`;
  const shown = isFree(text, i) ? `, probability ${format(probability)}` : "";
  element("status").textContent = `${place}: ${KINDS[kind] ?? "no boundary"}${shown}`;
}

function verdict(text, i) {
  if (isHeading(text, i)) return "This is a heading, which belongs to no paragraph.";
  const isLine = kindIf(text, i) === "line";
  if (!isFree(text, i)) {
    return `${isLine ? "A line" : "A paragraph"} begins here whatever the threshold.`;
  }
  const { probability } = text.sentences[i];
  const sign = isFound(text, i) ? "reaches" : "is below";
  const comparison = `Probability ${format(probability)} ${sign} the threshold ${format(thresholdOf(text))}`;
  if (text.corrections.has(i)) return `${comparison}. You made this decision.`;
  return isFound(text, i) ? `${comparison}: ${isLine ? "a line" : "a paragraph"}.` : `${comparison}.`;
}

/** Request and show the probabilities without each of the sentences around the boundary. */
async function ask(text, i) {
  const request = ++asked;
  const near = [];
  for (let j = Math.max(i - CONTEXT, 0); j < Math.min(i + CONTEXT, text.sentences.length); j++) {
    if (!isHeading(text, j)) near.push(j);
  }
  if (near.indexOf(i) < 1) return;
  let found;
  try {
    found = await api.explain({
      sentences: near.map((j) => text.sentences[j].text),
      position: near.indexOf(i),
      model: text.header.model,
      language: text.header.language,
    });
  } catch (error) {
    if (request === asked) element("verdict").textContent = error.message;
    return;
  }
  if (request !== asked || state.current !== text) return;
  const effects = found.left_out.map(({ sentence, probability }) => ({
    sentence: near[sentence],
    probability,
    change: probability - found.probability,
  }));
  element("effects-note").textContent =
    found.head === "paragraph"
      ? `The model's head for paragraphs finds this boundary, with probability ${format(found.probability)} and threshold ${format(found.threshold)}. Without one of these sentences, this probability would be:`
      : "Without one of these sentences, the probability would be:";
  element("effects").replaceChildren(
    ...effects.map((effect) => makeRow(text, i, effect, found.probability)),
  );
  element("left-out").hidden = !effects.length;
  paintEffects(effects);
}

function makeRow(text, i, { sentence, probability, change }, base) {
  const row = document.createElement("li");
  const isSame = Math.abs(change) < 0.005;
  row.className = isSame ? "" : change < 0 ? "for" : "against";
  row.classList.toggle("here", sentence === i);
  const content = document.createElement("span");
  content.className = "content";
  content.lang = text.header.language;
  content.dir = "auto";
  content.textContent = text.sentences[sentence].text;
  const bar = document.createElement("span");
  bar.className = "range";
  bar.style.setProperty("--low", Math.min(base, probability));
  bar.style.setProperty("--high", Math.max(base, probability));
  bar.style.setProperty("--base", base);
  const value = document.createElement("span");
  value.className = "number";
  const sign = change < 0 ? "−" : "+";
  const shown = isSame ? "" : ` (${sign}${format(Math.abs(change))})`;
  value.textContent = format(probability) + shown;
  row.append(content, bar, value);
  return row;
}
