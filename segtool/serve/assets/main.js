// Starts the page, and connects the controls and the keys.

import * as api from "./api.js";
import { paintBook, paintSelected } from "./book.js";
import {
  buildCorrections,
  checkUpTo,
  cycle,
  paintCorrections,
  switchKind,
  toggle,
  undo,
} from "./corrections.js";
import { buildInput } from "./input.js";
import {
  blocksOf,
  element,
  format,
  hasLines,
  isFree,
  isHeading,
  number,
  state,
  thresholdOf,
} from "./state.js";
import {
  buildSplitting,
  loadModels,
  openTexts,
  paintMessage,
  show,
  showFailure,
  useModel,
} from "./split.js";
import { buildStrip, paintStrip, paintStripSoon } from "./strip.js";
import { paintWhy, select, selectAndShow } from "./why.js";

const UNCERTAIN_WITHIN = 0.2; // maximum distance of an uncertain probability from the threshold

function paint() {
  const text = state.current;
  if (!text) return;
  element("title").textContent = text.name;
  paintMessage();
  paintThreshold(text);
  paintBook();
  paintSelected();
  paintWhy();
  paintCorrections();
  for (const button of document.querySelectorAll("[data-format]")) {
    button.disabled = !text.isComplete;
  }
  paintStripSoon();
}

function paintThreshold(text) {
  const { model, threshold } = text.header;
  const input = element("threshold");
  input.value = thresholdOf(text);
  input.setAttribute("aria-valuetext", format(thresholdOf(text)));
  document.querySelector(".slider .number").textContent = format(thresholdOf(text));
  document.querySelector(".slider").style.setProperty("--chosen", threshold);
  element("answered").textContent = model;
  element("reset").disabled = text.moved === null;
  const counts = { paragraph: 0, line: 0, heading: 0 };
  for (const { kind } of blocksOf(text)) counts[kind]++;
  const plural = (count, name) => `${number(count)} ${name}${count === 1 ? "" : "s"}`;
  const shown = hasLines(text) ? [counts.paragraph, counts.line] : [counts.paragraph];
  element("counts").textContent = shown
    .map((count, i) => plural(count, ["paragraph", "line"][i]))
    .join(", ");
}

let isWaiting = false;

/** Move the threshold; null resets it to that of the model. The page is painted once per frame. */
function moveThreshold(value) {
  const text = state.current;
  text.moved = value === null ? null : Math.min(Math.max(value, 0), 1);
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => {
    isWaiting = false;
    paint();
  });
}

async function download(type) {
  const { name, source, options, header, sentences } = state.current;
  const kinds = new Map(blocksOf(state.current).map(({ start, kind }) => [start, kind]));
  try {
    const blob = await api.write({
      format: type,
      text: source,
      language: header.language,
      layout: options.layout,
      model: header.model,
      threshold: thresholdOf(state.current),
      sentences: sentences.map((sentence, i) => ({
        ...sentence,
        boundary: kinds.has(i),
        kind: kinds.get(i) ?? sentence.kind,
      })),
    });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    const suffix = { html: ".html", json: ".json" }[type] ?? ".txt";
    link.download = `${name.replace(/\.\w+$/, "")} - paragraphs${suffix}`;
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (error) {
    showFailure(error.message);
  }
}

function toggleTheme() {
  const { style } = document.documentElement;
  const isDark = style.colorScheme
    ? style.colorScheme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  style.colorScheme = isDark ? "light" : "dark";
  paintStrip();
}

function toggleVertical() {
  const isVertical = element("frame").classList.toggle("vertical");
  element("vertical").setAttribute("aria-pressed", String(isVertical));
  if (state.current.selected >= 0) selectAndShow(state.current.selected);
}

/** Select the next (1) or the previous (-1) sentence for which `isWanted` holds. */
function step(direction, isWanted = () => true) {
  const { sentences, selected } = state.current;
  for (let i = selected + direction; i >= 0 && i < sentences.length; i += direction) {
    if (isWanted(i)) return selectAndShow(i);
  }
  element("status").textContent = "There is nothing more in this direction.";
}

function isUncertain(i) {
  const text = state.current;
  const distance = Math.abs(text.sentences[i].probability - thresholdOf(text));
  return isFree(text, i) && !isHeading(text, i) && distance <= UNCERTAIN_WITHIN;
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  n: () => step(1, isUncertain),
  p: () => step(-1, isUncertain),
  b: () => toggle(state.current.selected),
  l: () => switchKind(state.current.selected),
  c: () => checkUpTo(state.current.selected),
  u: undo,
  "]": () => moveThreshold(thresholdOf(state.current) + 0.01),
  "[": () => moveThreshold(thresholdOf(state.current) - 0.01),
  r: () => moveThreshold(null),
  v: toggleVertical,
};
const KEYS_WITHOUT_TEXT = { d: toggleTheme, "?": () => element("keys").showModal() };

function pressKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.matches("select, textarea") || element("keys").open) return;
  const isText = document.body.dataset.view === "text";
  const act = KEYS_WITHOUT_TEXT[event.key] ?? (isText ? KEYS[event.key] : undefined);
  if (!act) return;
  event.preventDefault();
  act();
}

function clickBook({ target }) {
  const place = target.closest("[data-i]");
  if (!place) return;
  const i = Number(place.dataset.i);
  if (place.className.includes("mark")) cycle(i);
  select(i);
}

function start() {
  buildInput(openTexts);
  buildCorrections(paint, useModel);
  buildSplitting(paint);
  buildStrip();
  document.addEventListener("keydown", pressKey);
  element("book").addEventListener("click", clickBook);
  element("threshold").addEventListener("input", ({ target }) => moveThreshold(Number(target.value)));
  element("reset").addEventListener("click", () => moveThreshold(null));
  element("uncertain").addEventListener("click", () => step(1, isUncertain));
  element("vertical").addEventListener("click", toggleVertical);
  element("new").addEventListener("click", () => show("input"));
  element("close-why").addEventListener("click", () => {
    document.body.dataset.selected = false; // the sentence stays selected
  });
  element("theme").addEventListener("click", toggleTheme);
  element("help").addEventListener("click", () => element("keys").showModal());
  element("close-keys").addEventListener("click", () => element("keys").close());
  for (const button of document.querySelectorAll("[data-format]")) {
    button.addEventListener("click", () => download(button.dataset.format));
  }
  addEventListener("beforeunload", (event) => {
    // the corrections are only in the page
    if (state.texts.some((text) => text.corrections.size || text.checked)) event.preventDefault();
  });
  loadModels().catch((error) => showFailure(error.message));
}

start();
