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
  for (const mark of Object.values(marks)) mark.style.display = isShown ? "" : "none";
}
