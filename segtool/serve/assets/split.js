// Splits texts with the chosen model, and shows errors and notices.

import * as api from "./api.js";
import { element, makeText, state } from "./state.js";
import { select } from "./why.js";

const AUTO = ""; // the ready model of the text's language
const FAST = "/fast"; // the fast model of the language; no name of a model contains a slash
let splitting = null; // { text, stop } of the request in progress
let paint = () => {};

/** Connect the lists of models and of texts. `onChange` is called to show the current text. */
export function buildSplitting(onChange) {
  paint = onChange;
  element("model").addEventListener("change", ({ target }) => {
    failures = [];
    if (document.body.dataset.view === "text") split(state.current, target.value);
  });
  element("texts").addEventListener("change", ({ target }) => {
    openText(state.texts[Number(target.value)]);
  });
  element("back").addEventListener("click", () => openText(state.current));
}

/** Show a text. If sentences of it are missing and no request for them is in progress, split it
 * again. */
function openText(text) {
  state.current = text;
  if (!text.isComplete && splitting?.text !== text) split(text, element("model").value);
  show("text");
  paint();
  select(text.selected);
}

let failures = []; // errors since the reader last opened texts or chose a model

/** Show the errors, and the notices about the current text. */
export function paintMessage() {
  const notes = state.current?.header.notes.map((note) => `Notice: ${note}.`) ?? [];
  const ended = failures.map((failure) => failure.replace(/\.?$/, "."));
  element("message").textContent = [...ended, ...notes].join(" ");
  element("message").hidden = !failures.length && !notes.length;
}

export function showFailure(content) {
  failures.push(content);
  paintMessage();
}

/** Split new texts with the chosen model, and show the first of them. */
export async function openTexts(sources, errors = []) {
  failures = errors;
  paintMessage();
  const options = {
    language: element("language").value || null,
    layout: element("layout").value,
  };
  const texts = sources.map(({ name, source }) => {
    const text = makeText(unusedName(name), source, options);
    state.texts.push(text);
    return text;
  });
  if (!texts.length) return;
  state.current = texts[0];
  for (const text of texts) if (!(await split(text, element("model").value))) break;
}

function unusedName(name) {
  const used = new Set(state.texts.map((text) => text.name));
  let number = 1;
  const numbered = () => (number > 1 ? `${name} (${number})` : name);
  while (used.has(numbered())) number++;
  return numbered();
}

/** Split a text. Corrections are kept if the sentences are the same as before. Returns false if
 * another request has replaced this one. */
export async function split(text, model) {
  splitting?.stop.abort();
  const request = (splitting = { text, stop: new AbortController() });
  const body = {
    text: text.source,
    model: [AUTO, FAST].includes(model) ? null : model,
    fast: model === FAST,
    ...text.options,
  };
  try {
    await api.segment(
      body,
      request.stop.signal,
      (header) => {
        const earlier = withEarlier(text);
        Object.assign(text, makeText(text.name, text.source, text.options), { header, earlier });
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
    text.isComplete = true;
    keepCorrections(text);
    return true;
  } catch (error) {
    if (error.name === "AbortError") return false;
    showFailure(state.texts.length > 1 ? `${text.name}: ${error.message}` : error.message);
    if (!text.sentences.length) forget(text);
    return true;
  } finally {
    if (splitting === request) {
      splitting = null;
      element("progress").hidden = true;
    }
    paintTexts();
    paint();
  }
}

/** Remove a text that could not be split. */
function forget(text) {
  state.texts = state.texts.filter((one) => one !== text);
  if (state.current !== text) return;
  const next = state.texts.find(({ sentences }) => !sentences.length); // waits to be split
  state.current = next ?? state.texts.at(-1) ?? null;
  show("input");
}

/** Return the corrections before and after the text was split again; null if there are none. */
function withEarlier({ sentences, corrections, checked, earlier }) {
  if (!corrections.size && !checked) return earlier;
  if (!earlier) return { sentences, corrections, checked };
  return {
    sentences: earlier.sentences.length > sentences.length ? earlier.sentences : sentences,
    corrections: new Map([...earlier.corrections, ...corrections]),
    checked: Math.max(earlier.checked, checked),
  };
}

function keepCorrections(text) {
  if (!text.earlier) return;
  const { sentences } = text.earlier;
  const { corrections, checked } = withEarlier(text);
  text.earlier = null;
  const same = sentences.every((sentence, i) => sentence.text === text.sentences[i]?.text);
  if (same) Object.assign(text, { corrections, checked, undo: [] });
  else showFailure("The corrections are lost: this model divides the text into other sentences.");
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

export function show(view) {
  element("back").hidden = !state.current;
  if (document.body.dataset.view === view) return;
  document.body.dataset.view = view;
  element(view === "input" ? "source" : "book").focus({ preventScroll: true });
}

export async function loadModels() {
  const { models, workspace, version } = await api.getModels();
  const select = element("model");
  const chosen = select.value;
  const group = (label, members) => {
    const box = document.createElement("optgroup");
    box.label = label;
    box.append(
      ...members.map(({ name, description }) => {
        const option = new Option(name, name);
        option.title = description;
        return option;
      }),
    );
    return box;
  };
  const runs = models.filter(({ is_run }) => is_run);
  const ready = (isFast) => models.filter(({ is_run, fast }) => !is_run && fast === isFast);
  select.replaceChildren(
    new Option("by language", AUTO),
    new Option("by language, fast", FAST),
    group("Ready models", ready(false)),
    group("Fast models, less accurate", ready(true)),
  );
  if (runs.length) select.append(group(`Runs in ${workspace}`, runs));
  select.value = chosen;
  element("about").textContent = `segtool ${version}, workspace ${workspace}.`;
}

/** Split the current text with another model. */
export async function useModel(name) {
  await loadModels();
  element("model").value = name;
  if (state.current) await split(state.current, name);
}
