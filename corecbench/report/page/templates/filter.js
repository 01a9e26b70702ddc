"use strict";
// Puts a field above the tables that hides the rows without its words. A word after a minus must not occur.
function matches(text, words) {
  return words.every((word) => (word.startsWith("-") ? !text.includes(word.slice(1)) : text.includes(word)));
}

function filter(words, count) {
  let shown = 0;
  let all = 0;
  for (const row of document.querySelectorAll("table.grid tbody tr")) {
    const place = row.closest("section").querySelector("h2").textContent;
    row.hidden = !matches(`${place} ${row.textContent}`.toLowerCase(), words);
    shown += row.hidden ? 0 : 1;
    if (words.length && !row.hidden && row.closest("details")) {
      row.closest("details").open = true;
    }
    all += 1;
  }
  count.textContent = `${shown} of ${all} rows`;
}

const label = document.createElement("label");
const field = document.createElement("input");
const count = document.createElement("output");
field.type = "search";
field.placeholder = "sasrec ml-1m -shuffled";
label.className = "filter";
label.append("Show rows with the words ", field, " ", count);
field.addEventListener("input", () => filter(field.value.toLowerCase().split(/\s+/).filter((word) => word.length > word.startsWith("-")), count));
document.querySelector("main").prepend(label);
filter([], count);
