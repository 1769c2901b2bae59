// The table of authors or documents, the worst first. It follows the slider.

const groups = new Map(); // name -> positions of its documents
data.documents.forEach(({ group }, index) => {
  groups.set(group, [...(groups.get(group) ?? []), index]);
});
const SHOWN = 12; // rows at each end of the ranking
const order = { key: "f1", ascending: true, all: false };

function buildDocuments() {
  for (const button of document.querySelectorAll("#documents-table th button")) {
    button.addEventListener("click", () => {
      const { key } = button.dataset;
      order.ascending = order.key !== key || !order.ascending;
      order.key = key;
      paintDocuments();
    });
  }
  element("all-documents").hidden = groups.size <= 2 * SHOWN;
  element("all-documents").addEventListener("click", () => {
    order.all = !order.all;
    paintDocuments();
  });
}

/** Whether a score of a row is defined: F1 needs a boundary to find, and Pk a long document. */
function isDefined(row, key) {
  if (key === "pk") return row.long > 0;
  return row.true > 0 || !["f1", "precision", "recall"].includes(key);
}

function paintDocuments() {
  const rows = [...groups].map(([name, positions]) => ({
    name,
    first: data.documents[positions[0]].start,
    ...scoresOf(positions.map((index) => result.counts[index])),
  }));
  const direction = order.ascending ? 1 : -1;
  const compare = (a, b) =>
    order.key === "name" ? a.name.localeCompare(b.name) : a[order.key] - b[order.key];
  rows.sort(
    (a, b) => isDefined(b, order.key) - isDefined(a, order.key) || direction * compare(a, b),
  );
  const hidden = order.all ? 0 : Math.max(rows.length - 2 * SHOWN, 0);
  const shown = rows.map(makeRow);
  if (hidden) shown.splice(SHOWN, hidden, makeGap(hidden));
  element("documents-table").tBodies[0].replaceChildren(...shown);
  element("all-documents").textContent = order.all ? "Show only both ends" : `Show all ${rows.length}`;
  for (const button of document.querySelectorAll("#documents-table th button")) {
    const isSorted = button.dataset.key === order.key;
    const value = order.ascending ? "ascending" : "descending";
    button.closest("th").setAttribute("aria-sort", isSorted ? value : "none");
  }
}

function makeRow(row) {
  const copy = element("document-template").content.cloneNode(true).firstElementChild;
  const link = copy.querySelector("button");
  link.textContent = row.name;
  link.addEventListener("click", () => showSentence(row.first));
  const cells = copy.querySelectorAll("td");
  ["f1", "precision", "recall", "pk"].forEach((name, index) => {
    cells[index].textContent = isDefined(row, name) ? format(row[name]) : "–";
  });
  cells[0].style.setProperty("--share", row.f1);
  cells[4].textContent = number(row.true);
  cells[5].textContent = number(row.sentences);
  return copy;
}

function makeGap(count) {
  const row = document.createElement("tr");
  const cell = row.insertCell();
  cell.colSpan = 7;
  cell.className = "gap";
  cell.textContent = `${number(count)} between`;
  return row;
}
