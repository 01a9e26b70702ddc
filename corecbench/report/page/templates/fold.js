"use strict";
// Opens the folded parts that a link leads to, and all of them for printing.
function reveal(hash) {
  const target = document.getElementById(decodeURIComponent(hash.slice(1)));
  let part = target?.querySelector(":scope > details.whole") ?? target?.closest("details");
  for (; part; part = part.parentElement.closest("details")) {
    part.open = true;
  }
  return target;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link) {
    reveal(link.hash);
  }
});
addEventListener("hashchange", () => reveal(location.hash)?.scrollIntoView());
if (location.hash) {
  reveal(location.hash)?.scrollIntoView();
}

let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  closed.forEach((part) => (part.open = true));
});
addEventListener("afterprint", () => closed.forEach((part) => (part.open = false)));
