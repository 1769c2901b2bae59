// The text as a page of a book: blocks of sentences, and marks where blocks begin or could begin.
//
// Moving the threshold changes only the blocks whose sentences change, which is fast in long texts.

import { blocksOf, checkedOf, element, isFound, isFree, kindAt, kindIf, state } from "./state.js";

const SIGNS = { paragraph: "¶", line: "↵" };

let shown = null; // the text that `nodes` belong to
let nodes = []; // { mark, span } for each sentence

/** Show the current text. */
export function paintBook() {
  const text = state.current;
  const book = element("book");
  if (shown !== text) {
    shown = text;
    nodes = [];
    book.replaceChildren();
  }
  if (text.sentences.length < nodes.length) nodes = [];
  for (let i = nodes.length; i < text.sentences.length; i++) nodes.push(makeNodes(text, i));
  book.lang = text.header.language;
  let old = book.firstElementChild;
  const remove = () => {
    const next = old.nextElementSibling;
    old.remove();
    old = next;
  };
  for (const block of blocksOf(text)) {
    const key = `${block.start}-${block.stop}-${block.kind}`;
    while (old && old.dataset.key !== key && Number(old.dataset.start) <= block.start) remove();
    if (old?.dataset.key === key) old = old.nextElementSibling;
    else book.insertBefore(makeBlock(text, block, key), old);
  }
  while (old) remove();
  paintMarks(text);
}

function makeNodes(text, i) {
  const { text: content, probability } = text.sentences[i];
  const mark = document.createElement("span");
  mark.className = "mark";
  mark.dataset.i = i;
  mark.ariaHidden = "true";
  mark.style.setProperty("--p", probability.toFixed(3));
  const span = document.createElement("span");
  span.className = "s";
  span.dataset.i = i;
  span.textContent = content;
  return { mark, span };
}

function makeBlock(text, { start, stop, kind }, key) {
  const block = document.createElement(kind === "heading" ? "h3" : "p");
  block.className = kind;
  block.dataset.key = key;
  block.dataset.start = start;
  block.dir = "auto";
  for (let i = start; i < stop; i++) {
    if (i > start) block.append(text.sentences[i].before);
    if (isFree(text, i)) block.append(nodes[i].mark);
    block.append(nodes[i].span);
  }
  return block;
}

/** Show what the reader has corrected and checked. */
function paintMarks(text) {
  const checked = text.corrections.size || text.checked ? checkedOf(text) : 0;
  for (const block of element("book").children) {
    block.classList.toggle("checked", Number(block.dataset.start) < checked);
  }
  for (const mark of element("book").querySelectorAll(".added, .removed, .changed")) {
    mark.classList.remove("added", "removed", "changed");
  }
  nodes.forEach(({ mark }, i) => {
    const sign = SIGNS[kindAt(text, i) ?? kindIf(text, i)] ?? "";
    if (mark.dataset.sign !== sign) mark.dataset.sign = sign;
  });
  for (const [i, { boundary, kind }] of text.corrections) {
    const isWrong = boundary !== isFound(text, i);
    if (isWrong) nodes[i].mark.classList.add(boundary ? "added" : "removed");
    else if (boundary && kind !== text.sentences[i].kind) nodes[i].mark.classList.add("changed");
  }
}

export const spanOf = (i) => nodes[i]?.span;

/** Highlight the selected sentence. */
export function paintSelected() {
  element("book").querySelector("[aria-current]")?.removeAttribute("aria-current");
  spanOf(state.current.selected)?.setAttribute("aria-current", "true");
}

/** Tint the sentences without which the boundary is less or more probable. */
export function paintEffects(effects) {
  for (const span of element("book").querySelectorAll(".for, .against")) {
    span.classList.remove("for", "against");
  }
  for (const { sentence, change } of effects) {
    if (Math.abs(change) < 0.02) continue;
    const span = spanOf(sentence);
    span.classList.add(change < 0 ? "for" : "against");
    span.style.setProperty("--effect", Math.min(Math.abs(change) * 60 + 8, 45).toFixed(0) + "%");
  }
}

/** Scroll a sentence into view, unless it is there already. */
export function showSentence(i) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  spanOf(i).scrollIntoView({
    block: "nearest",
    inline: "nearest",
    behavior: calm ? "instant" : "smooth",
  });
}

/** Return the sentences of the blocks in view, as [first, one after the last]. */
export function sentencesInView() {
  const frame = element("frame").getBoundingClientRect();
  const [top, bottom] = [Math.max(frame.top, 0), Math.min(frame.bottom, innerHeight)];
  const blocks = element("book").children;
  // blocks are in the order of the page, from top to bottom
  const firstBelow = (edge) => {
    let [low, high] = [0, blocks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (blocks[middle].getBoundingClientRect().bottom > edge) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const at = (index) => Number(blocks[index]?.dataset.start ?? nodes.length);
  return [at(firstBelow(top)), at(firstBelow(bottom) + 1)];
}
