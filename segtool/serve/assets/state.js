// What the page shows: the texts, their sentences, and what the reader has changed.

export const element = (id) => document.getElementById(id);
export const number = (value) => value.toLocaleString("en");
export const format = (value) => value.toFixed(2);

/** The texts, and the one that is shown. */
export const state = { texts: [], current: null, models: [] };

/** A text that is split, or being split. `options` are its language and its layout. */
export function makeText(name, source, options) {
  return {
    name,
    source,
    options,
    header: { model: "", language: "", threshold: 0.5, typed: false, count: 0, notes: [] },
    sentences: [],
    isComplete: false, // whether all sentences have arrived
    earlier: null, // sentences, corrections and `checked` from before it was split again
    moved: null, // threshold, if the reader has moved it
    corrections: new Map(), // index of a sentence -> { boundary, kind }
    checked: 0, // number of sentences that the reader has marked as checked
    undo: [], // earlier values of `corrections` and `checked`
    selected: -1, // index of a sentence; -1 if none is selected
  };
}

export const thresholdOf = (text) => text.moved ?? text.header.threshold;

/** Return whether the model finds a boundary before sentence i, at the threshold of the slider. */
export function isFound(text, i) {
  const { fixed, probability } = text.sentences[i];
  // the server compares float32 numbers too
  return fixed || Math.fround(probability) >= Math.fround(thresholdOf(text));
}

/** Return what begins with sentence i: "paragraph", "line", "heading" or null. */
export function kindAt(text, i) {
  const correction = text.corrections.get(i);
  if (correction) return correction.boundary ? correction.kind : null;
  return isFound(text, i) ? kindIf(text, i) : null;
}

/** Return what begins with sentence i if there is a boundary before it. */
export function kindIf(text, i) {
  return text.corrections.get(i)?.kind ?? text.sentences[i].kind;
}

/** Return whether lines are distinguished from paragraphs, by the model or by Japanese brackets. */
export const hasLines = ({ header }) => header.typed || header.language === "ja";

export const isHeading = (text, i) => text.sentences[i].kind === "heading";

/** Return whether the boundary before sentence i may change. */
export const isFree = (text, i) => !text.sentences[i].fixed;

/** List the blocks of a text (paragraphs, lines and headings): { start, stop, kind }. */
export function blocksOf(text) {
  const blocks = [];
  for (let i = 0; i < text.sentences.length; i++) {
    const kind = kindAt(text, i);
    if (kind) blocks.push({ start: i, stop: i + 1, kind });
    else blocks.at(-1).stop = i + 1;
  }
  return blocks;
}

/** Return the number of sentences that count as checked: those that the reader has marked, or all
 * up to the end of the last corrected block if these are more. */
export function checkedOf(text) {
  let last = Math.max(-1, ...text.corrections.keys());
  if (last < 0) return text.checked;
  do last++;
  while (last < text.sentences.length && !kindAt(text, last));
  return Math.max(last, text.checked);
}

/** Count the corrections that differ from what the model finds. */
export function countCorrections(text) {
  let count = 0;
  for (const [i, { boundary, kind }] of text.corrections) {
    if (boundary !== isFound(text, i) || (boundary && kind !== text.sentences[i].kind)) count++;
  }
  return count;
}

/** Return the checked sentences without headings, and their labels as in a JSON Lines corpus. Typed
 * labels distinguish lines from paragraphs. */
export function labelledOf(text, isTyped = text.header.typed) {
  const sentences = [];
  const labels = [];
  for (let i = 0; i < checkedOf(text); i++) {
    if (isHeading(text, i)) continue;
    const kind = kindAt(text, i);
    sentences.push(text.sentences[i].text);
    labels.push(!kind ? 0 : isTyped && kind === "paragraph" ? 2 : 1);
  }
  return { sentences, labels };
}
