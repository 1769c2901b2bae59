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
    earlier: null, // sentences and corrections from before it was split again
    moved: null, // threshold, if the reader has moved it
    corrections: new Map(), // sentence -> { boundary, kind }
    checked: 0, // sentences up to here are checked, if the reader said so
    undo: [], // earlier corrections
    selected: -1, // sentence
  };
}

export const thresholdOf = (text) => text.moved ?? text.header.threshold;

/** Whether the model finds a boundary before sentence i, at the threshold of the slider. */
export function isFound(text, i) {
  const { fixed, probability } = text.sentences[i];
  // the server compares numbers of this precision
  return fixed || Math.fround(probability) >= Math.fround(thresholdOf(text));
}

/** What begins with sentence i: "paragraph", "line", "heading" or null. */
export function kindAt(text, i) {
  const correction = text.corrections.get(i);
  if (correction) return correction.boundary ? correction.kind : null;
  return isFound(text, i) ? kindIf(text, i) : null;
}

/** What begins with sentence i if it is a boundary. */
export function kindIf(text, i) {
  return text.corrections.get(i)?.kind ?? text.sentences[i].kind;
}

/** Whether lines are told from paragraphs: by the model, or by the brackets of Japanese dialogue. */
export const hasLines = ({ header }) => header.typed || header.language === "ja";

export const isHeading = (text, i) => text.sentences[i].kind === "heading";

/** Whether the reader may change the boundary before sentence i. */
export const isFree = (text, i) => !text.sentences[i].fixed;

/** List the blocks of a text: { start, stop, kind }. */
export function blocksOf(text) {
  const blocks = [];
  for (let i = 0; i < text.sentences.length; i++) {
    const kind = kindAt(text, i);
    if (kind) blocks.push({ start: i, stop: i + 1, kind });
    else blocks.at(-1).stop = i + 1;
  }
  return blocks;
}

/** The number of sentences that count as checked: up to the end of the last corrected paragraph. */
export function checkedOf(text) {
  let last = Math.max(-1, ...text.corrections.keys());
  if (last < 0) return text.checked;
  do last++;
  while (last < text.sentences.length && !kindAt(text, last));
  return Math.max(last, text.checked);
}

/** The corrections that differ from what the model finds. */
export function countCorrections(text) {
  let count = 0;
  for (const [i, { boundary, kind }] of text.corrections) {
    if (boundary !== isFound(text, i) || (boundary && kind !== text.sentences[i].kind)) count++;
  }
  return count;
}

/** The checked sentences and their labels, as a corpus has them; typed labels distinguish lines from paragraphs. */
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
