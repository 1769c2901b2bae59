// Corrections: which boundaries the reader has changed, how far the text is checked, and training.

import * as api from "./api.js";
import {
  checkedOf,
  countCorrections,
  element,
  hasLines,
  isFound,
  isFree,
  isHeading,
  kindAt,
  kindIf,
  labelledOf,
  number,
  state,
} from "./state.js";

let changed = () => {}; // called after every change
let resplit = () => {};
let isTraining = false;

/** Decide what begins with sentence i: "paragraph", "line" or null. */
export function decide(i, kind) {
  const text = state.current;
  if (i < 0 || !isFree(text, i) || isHeading(text, i) || kind === kindAt(text, i)) return;
  remember(text);
  const found = text.sentences[i].kind;
  const correction = { boundary: kind !== null, kind: kind ?? kindIf(text, i) };
  const isAsFound =
    correction.boundary === isFound(text, i) && (!kind || correction.kind === found);
  if (isAsFound) text.corrections.delete(i);
  else text.corrections.set(i, correction);
  changed();
}

/** Begin a block with sentence i; if one begins there already, join it to the previous block. */
export function toggle(i) {
  if (i < 0) return;
  decide(i, kindAt(state.current, i) ? null : kindIf(state.current, i));
}

/** Go through what can begin with sentence i: first the opposite of what the model finds, then the
 * other kind, and then what the model finds. */
export function cycle(i) {
  const text = state.current;
  const found = text.sentences[i].kind;
  const order = isFound(text, i) ? [found, null] : [null, found];
  if (hasLines(text)) order.push(found === "line" ? "paragraph" : "line");
  decide(i, order[(order.indexOf(kindAt(text, i)) + 1) % order.length]);
}

export function switchKind(i) {
  if (i < 0 || !hasLines(state.current)) return;
  const kind = kindAt(state.current, i);
  if (kind) decide(i, kind === "line" ? "paragraph" : "line");
}

/** Mark all sentences as checked up to the end of the block that contains sentence i. */
export function checkUpTo(i) {
  const text = state.current;
  if (i < 0) return;
  remember(text);
  do i++;
  while (i < text.sentences.length && !kindAt(text, i));
  text.checked = i;
  changed();
}

export function undo() {
  const text = state.current;
  const earlier = text.undo.pop();
  if (!earlier) return;
  Object.assign(text, earlier);
  changed();
}

function remember(text) {
  text.undo.push({ corrections: new Map(text.corrections), checked: text.checked });
}

export function paintCorrections() {
  const text = state.current;
  const all = total(countCorrections);
  const checked = total(checkedOf);
  const [what, of] = [all === 1 ? "1 boundary" : `${number(all)} boundaries`, number(checked)];
  element("corrected").textContent = checked
    ? `Corrected: ${what}. Checked: ${of} of ${number(total((one) => one.sentences.length))} sentences, marked by a line in the margin.`
    : "Correct boundaries by clicking the marks. The text up to your last correction then counts as checked, and a model can be trained on it.";
  element("undo").disabled = !text.undo.length;
  element("train").disabled = !checked || isTraining;
}

/** Return the texts in the language of the current text, on which a model is trained. */
const textsInLanguage = () =>
  state.texts.filter(({ header }) => header.language === state.current.header.language);

const total = (count) => textsInLanguage().reduce((sum, text) => sum + count(text), 0);

/** Train from the model of the current text on the checked parts of all texts in its language. */
async function train() {
  const { model, language, typed } = state.current.header;
  const started = Date.now();
  const tick = () => {
    const seconds = Math.round((Date.now() - started) / 1000);
    element("trained").textContent = `Training from ${model} … ${seconds} s`;
  };
  tick();
  const timer = setInterval(tick, 1000);
  const button = element("train");
  const hadFocus = document.activeElement === button; // a disabled button loses it
  isTraining = true;
  paintCorrections();
  try {
    const texts = textsInLanguage()
      .filter(checkedOf)
      .map((text) => labelledOf(text, typed));
    const result = await api.adapt({ texts, model, language });
    clearInterval(timer);
    showResult(result);
  } catch (error) {
    element("trained").textContent = error.message;
  } finally {
    clearInterval(timer);
    isTraining = false;
    paintCorrections();
    if (hadFocus && document.activeElement === document.body) button.focus();
  }
}

function showResult(result) {
  const { run, start, sentences, boundaries, scored, folds, before, after } = result;
  const paragraph = (content, className = "") => {
    const node = document.createElement("p");
    node.textContent = content;
    node.className = className;
    return node;
  };
  const shown = [
    paragraph(
      `${run} was trained from ${start} on ${number(sentences)} sentences with ${number(boundaries)} boundaries.`,
      "outcome",
    ),
  ];
  if (before) {
    shown.push(
      makeTable(before, after),
      paragraph(
        `Scored on ${number(scored)} sentences, each with a model that was trained without its part of the text (${folds} parts). ${run} was trained on all parts.`,
        "notice",
      ),
    );
  }
  shown.push(...result.notes.map((note) => paragraph(note, "caution")));
  const use = document.createElement("button");
  use.type = "button";
  use.textContent = `Split with ${run}`;
  use.addEventListener("click", () => resplit(run));
  const code = document.createElement("code");
  const folder = /^[\w./-]+$/.test(result.workspace) ? result.workspace : `'${result.workspace}'`;
  code.textContent = `segtool segment new.txt --run ${run} --workspace ${folder}`;
  const where = paragraph(
    result.temporary ? "It is saved in a temporary folder: " : "It is saved in the workspace: ",
    "notice",
  );
  where.append(code);
  element("trained").replaceChildren(...shown, use, where);
  element("trained").scrollIntoView({ block: "nearest" });
}

function makeTable(before, after) {
  const table = document.createElement("table");
  table.insertRow().append(...["", "before", "after"].map((name) => makeCell("th", name)));
  const addRow = (label, valueOf, show = (value) => value.toFixed(3), direction = 1) => {
    const values = [before, after].map(valueOf);
    const cells = values.map((value) => makeCell("td", show(value)));
    const change = direction * (values[1] - values[0]);
    cells[1].className = change > 0 ? "better" : change < 0 ? "worse" : "";
    table.insertRow().append(makeCell("th", label), ...cells);
  };
  addRow("F1", ({ types }) => types.any.f1);
  addRow("Precision", ({ types }) => types.any.precision);
  addRow("Recall", ({ types }) => types.any.recall);
  if (before.types.paragraph) addRow("F1 of paragraphs", ({ types }) => types.paragraph.f1);
  if (before.types.line) addRow("F1 of lines", ({ types }) => types.line.f1);
  addRow("Errors", ({ errors }) => errors, number, -1);
  return table;
}

function makeCell(kind, content) {
  const cell = document.createElement(kind);
  cell.textContent = content;
  if (kind === "th") cell.scope = "row";
  return cell;
}

export function buildCorrections(onChange, onUse) {
  changed = onChange;
  resplit = onUse;
  element("check").addEventListener("click", () => checkUpTo(state.current.selected));
  element("check-all").addEventListener("click", () =>
    checkUpTo(state.current.sentences.length - 1),
  );
  element("undo").addEventListener("click", undo);
  element("train").addEventListener("click", train);
  for (const input of document.querySelectorAll('input[name="decision"]')) {
    input.addEventListener("change", () =>
      decide(state.current.selected, input.value === "none" ? null : input.value),
    );
  }
}
