// Splits texts, with the model that is chosen, and says what went wrong.

import * as api from "./api.js";
import { element, makeText, state } from "./state.js";
import { select } from "./why.js";

const AUTO = ""; // the ready model of the text's language
const FAST = "/fast"; // the fast one; no model has a name with a slash
let splitting = null; // stops the request in progress
let paint = () => {};

/** Remember how to show the current text. */
export function buildSplitting(onChange) {
  paint = onChange;
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
}

let failures = []; // what went wrong since the reader last did something

/** Show what went wrong, and how the current text was read. */
export function paintMessage() {
  const notes = state.current?.header.notes.map((note) => `Notice: ${note}.`) ?? [];
  element("message").textContent = [...failures, ...notes].join(" ");
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
  const texts = sources.map(({ name, source }) => makeText(name, source));
  if (!texts.length) return;
  state.texts.push(...texts);
  state.current = texts[0];
  for (const text of texts) if (!(await split(text, element("model").value))) break;
}

/** Split a text; corrections are kept if the sentences stay the same. Returns whether it worked. */
export async function split(text, model) {
  splitting?.abort();
  const own = (splitting = new AbortController());
  const earlier = { ...text };
  const body = {
    text: text.source,
    model: [AUTO, FAST].includes(model) ? null : model,
    fast: model === FAST,
    language: element("language").value || null,
    layout: element("layout").value,
  };
  try {
    await api.segment(
      body,
      own.signal,
      (header) => {
        Object.assign(text, makeText(text.name, text.source), { header, layout: body.layout });
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

export function show(view) {
  if (document.body.dataset.view === view) return;
  document.body.dataset.view = view;
  element(view === "input" ? "source" : "book").focus({ preventScroll: true });
}

export async function loadModels() {
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
