"use strict";
// Makes the columns of every table buttons that sort by them. Fields without a value come last in either order.
const words = new Intl.Collator("en", { numeric: true });

function key(field, isNumber) {
  const text = field.textContent;
  return isNumber ? field.dataset.order : text === "-" || text === "" ? undefined : text;
}

function compare(a, b, isNumber, sign) {
  const [x, y] = [key(a, isNumber), key(b, isNumber)];
  if (x === undefined || y === undefined) {
    return (x === undefined) - (y === undefined);
  }
  return sign * (isNumber ? Number(x) - Number(y) : words.compare(x, y));
}

function sort(table, column) {
  const head = table.tHead.rows[0].cells[column];
  const first = "descends" in head.dataset ? "descending" : "ascending";
  const second = first === "ascending" ? "descending" : "ascending";
  const order = head.getAttribute("aria-sort") === first ? second : first;
  for (const other of table.tHead.rows[0].cells) {
    other.removeAttribute("aria-sort");
  }
  head.setAttribute("aria-sort", order);
  const isNumber = head.classList.contains("number");
  const sign = order === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => compare(a.cells[column], b.cells[column], isNumber, sign));
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.grid")) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, head.cellIndex));
    head.append(button);
  }
}
