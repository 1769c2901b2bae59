// Boundaries and scores, computed as segclf/scoring/decoding.py and segclf/scoring/metrics.py do.

/** Decode base64 to a Float32Array. */
function floatsOf(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** Decode a string of n digits to a Uint8Array. */
function digitsOf(text) {
  return Uint8Array.from(text, (digit) => digit.charCodeAt(0) - 48);
}

/**
 * Mark each sentence whose probability reaches the threshold, and the first one of each document.
 *
 * @param head Probabilities, and the chosen threshold for each document.
 * @param moved Threshold that replaces the chosen ones; null to keep them.
 */
function marksOf(head, moved, documents) {
  const marks = new Uint8Array(head.probabilities.length);
  documents.forEach(({ start, stop }, index) => {
    // NumPy compares float32 probabilities with a float32 threshold
    const threshold = Math.fround(moved ?? head.thresholds[index]);
    for (let i = start; i < stop; i++) marks[i] = head.probabilities[i] >= threshold ? 1 : 0;
    marks[start] = 1;
  });
  return marks;
}

/**
 * Find the boundaries of each type, as segclf/tasks/find_types.py does.
 *
 * @param moved Thresholds by head; a missing one leaves the chosen thresholds.
 * @return Uint8Array by type of boundary.
 */
function decide(system, moved, documents) {
  const marks = {};
  for (const [name, head] of Object.entries(system.heads)) {
    marks[name] = marksOf(head, moved[name], documents);
  }
  if (!marks.any || !marks.paragraph) {
    const [only] = Object.values(marks);
    return Object.fromEntries(system.types.map((type) => [type, only]));
  }
  // a paragraph is a boundary, whatever the other head predicts; other boundaries are lines
  const any = marks.any.map((mark, i) => mark | marks.paragraph[i]);
  const line = any.map((mark, i) => mark & ~marks.paragraph[i] & 1);
  for (const { start } of documents) line[start] = 1;
  return { any, line, paragraph: marks.paragraph };
}

/** Count the sentences of a document and the boundaries after the first; compute Pk, WindowDiff. */
function countDocument(labels, found, { start, stop }, window) {
  const counts = { sentences: stop - start, correct: 0, found: 0, true: 0 };
  for (let i = start + 1; i < stop; i++) {
    counts.true += labels[i];
    counts.found += found[i];
    counts.correct += labels[i] & found[i];
  }
  return { ...counts, ...windowErrors(labels, found, start, stop, window) };
}

/** Return Pk and WindowDiff of a document; null if the document is no longer than the window. */
function windowErrors(labels, found, start, stop, window) {
  const pairs = stop - start - window;
  if (pairs <= 0) return { pk: null, windowDiff: null };
  let trueWithin = 0;
  let foundWithin = 0;
  for (let i = start + 1; i < start + window; i++) {
    trueWithin += labels[i];
    foundWithin += found[i];
  }
  let pk = 0;
  let windowDiff = 0;
  for (let i = start; i + window < stop; i++) {
    trueWithin += labels[i + window];
    foundWithin += found[i + window];
    if (trueWithin > 0 !== foundWithin > 0) pk++;
    if (trueWithin !== foundWithin) windowDiff++;
    trueWithin -= labels[i + 1];
    foundWithin -= found[i + 1];
  }
  return { pk: pk / pairs, windowDiff: windowDiff / pairs };
}

/** Compute the scores of documents from their counts. */
function scoresOf(counts) {
  const sum = (name) => counts.reduce((total, document) => total + document[name], 0);
  const long = counts.filter((document) => document.pk !== null);
  const mean = (name) =>
    long.length ? long.reduce((total, document) => total + document[name], 0) / long.length : 0;
  const [correct, found, truth] = [sum("correct"), sum("found"), sum("true")];
  return {
    documents: counts.length,
    long: long.length, // documents that have a Pk
    sentences: sum("sentences"),
    correct,
    found,
    true: truth,
    precision: correct / Math.max(found, 1),
    recall: correct / Math.max(truth, 1),
    f1: (2 * correct) / Math.max(found + truth, 1),
    pk: mean("pk"),
    windowDiff: mean("windowDiff"),
  };
}
