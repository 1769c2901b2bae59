// The strip beside the page: the probabilities of all sentences, and the corrections.

import { sentencesInView, spanOf } from "./book.js";
import { element, isFree, isHeading, state } from "./state.js";

/** Return the colour that a variable of the style sheet has now, in light or dark mode. */
function colorOf(name) {
  const { style } = element("strip");
  style.color = `var(--${name})`;
  return getComputedStyle(element("strip")).color;
}

/** Draw the strip. In vertical writing and on narrow screens, there is none. */
export function paintStrip() {
  const canvas = element("strip");
  const { width, height } = canvas.getBoundingClientRect();
  const text = state.current;
  if (!width || !height || !text?.sentences.length) return;
  const scale = devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const size = text.sentences.length;
  context.fillStyle = colorOf("bar");
  for (let y = 0; y < height; y++) {
    const [start, stop] = [y, y + 1].map((at) => Math.floor((at / height) * size));
    let highest = 0;
    for (let i = start; i < Math.max(stop, start + 1); i++) {
      if (isFree(text, i) && !isHeading(text, i)) {
        highest = Math.max(highest, text.sentences[i].probability);
      }
    }
    context.globalAlpha = 0.08 + 0.8 * highest;
    context.fillRect(0, y, width * (0.25 + 0.75 * highest), 1);
  }
  context.globalAlpha = 1;
  for (const [i, { boundary }] of text.corrections) {
    context.fillStyle = colorOf(boundary ? "hit" : "miss");
    context.fillRect(0, (i / size) * height - 1, width, 3);
  }
  const [first, last] = sentencesInView();
  context.strokeStyle = colorOf("ink");
  context.lineWidth = 1.5;
  const frame = Math.max(((last - first) / size) * height, 5) - 1.5;
  context.strokeRect(0.75, (first / size) * height + 0.75, width - 1.5, frame);
}

let isWaiting = false;

export function paintStripSoon() {
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => {
    isWaiting = false;
    paintStrip();
  });
}

/** Scroll to the sentence at which the reader clicks on the strip, or to which the reader drags. */
export function buildStrip() {
  const canvas = element("strip");
  const go = (event) => {
    const { top, height } = canvas.getBoundingClientRect();
    const size = state.current.sentences.length;
    const i = Math.floor(((event.clientY - top) / height) * size);
    spanOf(Math.min(Math.max(i, 0), size - 1)).scrollIntoView({ block: "center" });
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    go(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) go(event);
  });
  addEventListener("scroll", paintStripSoon, { passive: true });
  addEventListener("resize", paintStripSoon);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paintStripSoon);
}
