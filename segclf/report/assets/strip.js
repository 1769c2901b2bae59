// The strip beside the text: probabilities and errors of all sentences, and the part in view.

/** Return the sentences of the chunks in view, as [first, one after the last], by interpolation. */
function visibleSentences() {
  const view = element("text").getBoundingClientRect();
  const isVertical = element("text").classList.contains("vertical");
  // distances in the direction in which the text runs
  const [low, high] = isVertical ? [-view.right, -view.left] : [view.top, view.bottom];
  let [first, last] = [size, 0];
  for (const { box, start, stop } of chunks) {
    if (box.hidden) continue;
    const edges = box.getBoundingClientRect();
    const [begin, end] = isVertical ? [-edges.right, -edges.left] : [edges.top, edges.bottom];
    if (end <= low || begin >= high) continue;
    const at = (edge) => start + ((edge - begin) / (end - begin)) * (stop - start);
    first = Math.min(first, Math.round(at(Math.max(begin, low))));
    last = Math.max(last, Math.round(at(Math.min(end, high))));
  }
  return first < last ? [first, last] : [0, 1];
}

function colorOf(name) {
  return getComputedStyle(document.querySelector(`.swatch.${name}`)).color;
}

const drawing = document.createElement("canvas"); // the strip without the frame of the view

/** Draw the strip. In vertical writing it lies below the text and runs from right to left. */
function drawStrip() {
  const { context, length, breadth } = openCanvas(drawing);
  const colors = { bar: colorOf("bar"), miss: colorOf("miss"), false: colorOf("false") };
  const third = breadth / 3;
  for (let y = 0; y < length; y++) {
    const [start, stop] = [y, y + 1].map((at) => Math.floor((at / length) * size));
    let highest = 0;
    const errors = { miss: 0, false: 0 };
    const count = Math.max(stop - start, 1);
    for (let i = start; i < start + count; i++) {
      if (!isStart[i]) highest = Math.max(highest, result.probabilities[i]);
      if (shownKinds[i] in errors) errors[shownKinds[i]]++;
    }
    context.globalAlpha = 0.08 + 0.8 * highest;
    context.fillStyle = colors.bar;
    context.fillRect(0, y, third, 1);
    ERRORS.forEach((kind, index) => {
      context.globalAlpha = Math.min((3 * errors[kind]) / count, 1);
      context.fillStyle = colors[kind];
      context.fillRect(third * (index + 1) + 1, y, third - 1, 1);
    });
  }
  paintStrip();
}

/** Copy the drawing to the strip, and frame the part in view. */
function paintStrip() {
  const { context, length, breadth } = openCanvas(element("strip"));
  if (!length) return;
  context.save();
  context.resetTransform();
  context.drawImage(drawing, 0, 0);
  context.restore();
  const [first, last] = visibleSentences();
  const top = (first / size) * length;
  const height = Math.max(((last - first) / size) * length, 5);
  context.strokeStyle = colorOf("ink");
  context.lineWidth = 1.5;
  context.strokeRect(0.75, top + 0.75, breadth - 1.5, height);
}

/** Give a canvas the size of the strip, clear it, and turn it so that the text runs downwards. */
function openCanvas(canvas) {
  const { width, height } = element("strip").getBoundingClientRect();
  const scale = window.devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const isVertical = element("text").classList.contains("vertical");
  if (isVertical) context.transform(0, 1, -1, 0, width, 0);
  const [length, breadth] = isVertical ? [width, height] : [height, width];
  return { context, length, breadth };
}

/** Scroll the text when the reader presses the strip or drags along it. */
function buildStrip() {
  const canvas = element("strip");
  const go = (event) => {
    const { left, right, top, width, height } = canvas.getBoundingClientRect();
    const isVertical = element("text").classList.contains("vertical");
    const share = isVertical ? (right - event.clientX) / width : (event.clientY - top) / height;
    const target = Math.min(Math.max(Math.floor(share * size), 0), size - 1);
    const shown = nearestShown(target);
    if (shown >= 0) scrollText(sentences[shown], 0.5);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    go(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) go(event);
  });
}

/** Sentence nearest to i that no filter hides; -1 if all are hidden. */
function nearestShown(i) {
  for (let distance = 0; distance < size; distance++) {
    for (const near of [i + distance, i - distance]) {
      if (sentences[near] && !sentences[near].hidden) return near;
    }
  }
  return -1;
}
