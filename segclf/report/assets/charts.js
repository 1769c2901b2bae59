// Marks on the charts that follow the slider.

/** Append an SVG element to a chart, in the coordinates of its plot, and return it. */
function addMark(chart, tag, attributes) {
  const mark = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) mark.setAttribute(name, value);
  chart.querySelector("svg .root").append(mark);
  return mark;
}

const marks = {};

function buildCharts() {
  const [curve, thresholds] = [element("precision-recall"), element("thresholds")];
  marks.point = addMark(curve, "circle", { r: 7, class: "live" });
  marks.rule = addMark(thresholds, "line", { y1: 0, y2: thresholds.dataset.height, class: "live" });
  marks.lengths = addMark(element("lengths"), "polyline", { class: "live" });
  marks.mean = document.createElement("span");
  element("lengths").querySelector("p").append(" ", marks.mean);
}

/** Lengths of the predicted paragraphs, in sentences. */
function lengthsOf(found) {
  const lengths = [];
  found.forEach((isBoundary) => (isBoundary ? lengths.push(1) : lengths[lengths.length - 1]++));
  return lengths;
}

/** Points of the shares of paragraphs with 1, 2, ... and at least `longest` sentences. */
function sharePoints(lengths, longest, width, height) {
  const counts = new Array(longest).fill(0);
  for (const length of lengths) counts[Math.min(length, longest) - 1]++;
  return counts.map((count, i) => {
    const y = 1 - Math.sqrt(count / lengths.length); // the axis has a square root scale
    return [(width * i) / (longest - 1), height * y];
  });
}

function paintCharts() {
  const { width, height } = element("precision-recall").dataset;
  const isShown = state.type === data.main_type; // the charts are drawn for this type
  const head = headOf(state.system);
  const threshold = state.moved[head] ?? chosenThreshold(state.system.heads[head]).value;
  marks.point.setAttribute("cx", width * result.scores.recall);
  marks.point.setAttribute("cy", height * (1 - result.scores.precision));
  marks.rule.setAttribute("x1", width * threshold);
  marks.rule.setAttribute("x2", width * threshold);
  const lengths = lengthsOf(result.found[state.type]);
  const points = sharePoints(lengths, data.longest, width, height);
  marks.lengths.setAttribute("points", points.join(" "));
  marks.mean.textContent = `At the slider (thick line): ${(size / lengths.length).toFixed(2)}.`;
  for (const mark of Object.values(marks)) mark.style.display = isShown ? "" : "none";
}
