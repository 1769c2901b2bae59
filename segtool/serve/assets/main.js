// Starts the page, splits texts, and connects the controls and the keys.

import * as api from "./api.js";
import { paintBook, paintSelected } from "./book.js";
import {
  buildCorrections,
  checkUpTo,
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
  makeText,
  number,
  state,
  thresholdOf,
} from "./state.js";
import { buildStrip, paintStrip, paintStripSoon } from "./strip.js";
import { paintWhy, select, selectAndShow } from "./why.js";

const AUTO = ""; // the ready model of the text's language
const DOUBTFUL = 0.2; // distance of a probability from the threshold
let splitting = null; // stops the request in progress

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

/** Move the threshold; null returns to that of the model. The page follows before the next frame. */
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

let failures = []; // what went wrong since the reader last did something

/** Show what went wrong, and how the current text was read. */
function paintMessage() {
  const notes = state.current?.header.notes.map((note) => `Notice: ${note}.`) ?? [];
  element("message").textContent = [...failures, ...notes].join(" ");
  element("message").hidden = !failures.length && !notes.length;
}

function showFailure(content) {
  failures.push(content);
  paintMessage();
}

/** Split new texts with the chosen model, and show the first of them. */
async function openTexts(sources, errors = []) {
  failures = errors;
  paintMessage();
  const texts = sources.map(({ name, source }) => makeText(name, source));
  if (!texts.length) return;
  state.texts.push(...texts);
  state.current = texts[0];
  for (const text of texts) if (!(await split(text, element("model").value))) break;
}

/** Split a text; corrections are kept if the sentences stay the same. Returns whether it worked. */
async function split(text, model) {
  splitting?.abort();
  const own = (splitting = new AbortController());
  const earlier = { ...text };
  const body = {
    text: text.source,
    model: model || null,
    language: element("language").value || null,
    layout: element("layout").value,
  };
  try {
    await api.segment(
      body,
      own.signal,
      (header) => {
        Object.assign(text, makeText(text.name, text.source), { header });
        if (state.current !== text) return;
        show("text");
        select(-1);
      },
      (sentences) => {
        text.sentences.push(...sentences);
        paintProgress(text);
        if (state.current === text) paint();
      },
    );
    keepCorrections(earlier, text);
    return true;
  } catch (error) {
    if (error.name === "AbortError") return false; // another request has taken its place
    showFailure(error.message);
    if (!text.sentences.length) forget(text);
    return false;
  } finally {
    if (splitting === own) element("progress").hidden = true;
    paintTexts();
    paint();
  }
}

/** Leave out a text that could not be split. */
function forget(text) {
  state.texts = state.texts.filter((one) => one !== text);
  if (state.current === text) state.current = state.texts.at(-1) ?? null;
  show(state.current?.sentences.length ? "text" : "input");
}

function keepCorrections(earlier, text) {
  if (!earlier.corrections.size && !earlier.checked) return;
  const same =
    earlier.sentences.length === text.sentences.length &&
    earlier.sentences.every((sentence, i) => sentence.text === text.sentences[i].text);
  if (same) Object.assign(text, { corrections: earlier.corrections, checked: earlier.checked });
  else showFailure("The corrections were dropped, because this model reads other sentences.");
}

function paintProgress({ header, sentences }) {
  element("progress").hidden = sentences.length >= header.count;
  element("progress").value = sentences.length / header.count;
}

function paintTexts() {
  const select = element("texts");
  select.replaceChildren(...state.texts.map(({ name }, i) => new Option(name, i)));
  select.value = state.texts.indexOf(state.current);
  select.closest("label").hidden = state.texts.length < 2;
}

function show(view) {
  if (document.body.dataset.view === view) return;
  document.body.dataset.view = view;
  element(view === "input" ? "source" : "book").focus({ preventScroll: true });
}

async function loadModels() {
  const { models, workspace, version } = await api.getModels();
  const select = element("model");
  const chosen = select.value;
  const group = (label, own) => {
    const box = document.createElement("optgroup");
    box.label = label;
    box.append(
      ...own.map(({ name, description }) => {
        const option = new Option(name, name);
        option.title = description;
        return option;
      }),
    );
    return box;
  };
  const runs = models.filter(({ is_run }) => is_run);
  const ready = models.filter(({ is_run }) => !is_run);
  select.replaceChildren(new Option("by language", AUTO), group("Ready models", ready));
  if (runs.length) select.append(group(`Runs in ${workspace}`, runs));
  select.value = chosen;
  element("about").textContent = `segtool ${version}, workspace ${workspace}.`;
}

/** Split the current text with another model. */
async function useModel(name) {
  await loadModels();
  element("model").value = name;
  if (state.current) await split(state.current, name);
}

async function download(type) {
  const { name, source, header, sentences } = state.current;
  const kinds = new Map(blocksOf(state.current).map(({ start, kind }) => [start, kind]));
  try {
    const blob = await api.write({
      format: type,
      text: source,
      language: header.language,
      model: header.model,
      threshold: thresholdOf(state.current),
      sentences: sentences.map((own, i) => ({
        ...own,
        boundary: kinds.has(i),
        kind: kinds.get(i) ?? own.kind,
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
  element("status").textContent = "There is no other place in this direction.";
}

function isDoubtful(i) {
  const text = state.current;
  const distance = Math.abs(text.sentences[i].probability - thresholdOf(text));
  return isFree(text, i) && !isHeading(text, i) && distance <= DOUBTFUL;
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  n: () => step(1, isDoubtful),
  p: () => step(-1, isDoubtful),
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
  if (place.className.includes("mark")) toggle(i);
  select(i);
}

function start() {
  buildInput(openTexts);
  buildCorrections(paint, useModel);
  buildStrip();
  document.addEventListener("keydown", pressKey);
  element("book").addEventListener("click", clickBook);
  element("threshold").addEventListener("input", ({ target }) => moveThreshold(Number(target.value)));
  element("reset").addEventListener("click", () => moveThreshold(null));
  element("doubtful").addEventListener("click", () => step(1, isDoubtful));
  element("vertical").addEventListener("click", toggleVertical);
  element("new").addEventListener("click", () => show("input"));
  element("close-why").addEventListener("click", () => select(-1));
  element("theme").addEventListener("click", toggleTheme);
  element("help").addEventListener("click", () => element("keys").showModal());
  element("close-keys").addEventListener("click", () => element("keys").close());
  element("model").addEventListener("change", ({ target }) => {
    failures = [];
    if (state.current) split(state.current, target.value);
  });
  element("texts").addEventListener("change", ({ target }) => {
    state.current = state.texts[Number(target.value)];
    if (!state.current.sentences.length) split(state.current, element("model").value);
    show("text");
    paint();
  });
  for (const button of document.querySelectorAll("[data-format]")) {
    button.addEventListener("click", () => download(button.dataset.format));
  }
  loadModels().catch((error) => showFailure(error.message));
}

start();
