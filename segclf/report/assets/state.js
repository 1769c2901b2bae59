// What the page shows: the data, what the reader has selected, and the scores that follow from it.

const data = JSON.parse(document.getElementById("data").textContent);
const size = data.sentences.length;
const labels = {};
for (const [name, type] of Object.entries(data.types)) labels[name] = digitsOf(type.labels);
const trueKinds = data.kinds && digitsOf(data.kinds);
const isStart = new Uint8Array(size);
for (const { start } of data.documents) isStart[start] = 1;

const state = {
  system: data.systems[0],
  type: data.main_type,
  moved: {}, // thresholds by head, where the reader has moved them
  filter: "all",
  current: -1, // sentence
};

// probabilities of the selected type, boundaries and scores at the current thresholds, and scores
// at the chosen ones
const result = { found: {}, counts: [], scores: {}, chosen: {}, probabilities: [] };

const element = (id) => document.getElementById(id);
const number = (value) => value.toLocaleString("en");

/** Select a run or a model. Its probabilities are decoded when it is first selected. */
function selectSystem(index) {
  const system = data.systems[index];
  for (const head of Object.values(system.heads)) {
    if (typeof head.probabilities === "string") {
      head.probabilities = floatsOf(head.probabilities);
    }
  }
  state.system = system;
  state.moved = {};
  if (!system.types.includes(state.type)) state.type = system.types[0];
}

/** Head that predicts the selected type. Lines are predicted by the head for any boundary. */
function headOf(system) {
  return system.heads[state.type] ? state.type : Object.keys(system.heads)[0];
}

/** Probability that each sentence is a boundary of the selected type. */
function probabilitiesOf(system) {
  const { any, paragraph } = system.heads;
  if (state.type === "line" && any && paragraph) {
    return any.probabilities.map((value, i) => Math.max(value - paragraph.probabilities[i], 0));
  }
  return system.heads[headOf(system)].probabilities;
}

/** Lowest and highest threshold of a head, whether they differ, and the value halfway between. */
function chosenThreshold(head) {
  const [low, high] = [Math.min(...head.thresholds), Math.max(...head.thresholds)];
  return { low, high, differs: low !== high, value: low === high ? low : (low + high) / 2 };
}

/** Find and score the boundaries of the selected type at the given thresholds. */
function countAt(moved) {
  const found = decide(state.system, moved, data.documents);
  const { windows } = data.types[state.type];
  const counts = data.documents.map((document, index) =>
    countDocument(labels[state.type], found[state.type], document, windows[index]),
  );
  return { found, counts, scores: scoresOf(counts) };
}

function recompute() {
  Object.assign(result, countAt(state.moved));
}

/** Result for sentence i and the selected type. The start of a document is not predicted. */
function kindOf(i) {
  if (isStart[i]) return "start";
  const [truth, found] = [labels[state.type][i], result.found[state.type][i]];
  if (truth) return found ? "hit" : "miss";
  return found ? "false" : "";
}

/** Sign of the true boundary before sentence i. */
function trueSign(i) {
  if (trueKinds) return ["", "↵", "¶"][trueKinds[i]];
  return labels[state.type][i] ? "¶" : "";
}

/** Sign of the predicted boundary before sentence i. */
function foundSign(i) {
  const { any, line, paragraph } = result.found;
  if (any && paragraph && Object.keys(state.system.heads).length > 1) {
    if (paragraph[i]) return "¶";
    return any[i] ? "↵" : "";
  }
  return (any ?? paragraph ?? line)[i] ? (any || paragraph ? "¶" : "↵") : "";
}
