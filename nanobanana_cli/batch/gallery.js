"use strict";
const box = document.getElementById("filter");
const failedOnly = document.getElementById("failed-only");
const shown = document.getElementById("shown");
const common = document.querySelector(".shared")?.textContent ?? "";
const cards = Array.from(document.querySelectorAll(".grid > li"), (card) => ({
  card, failed: card.classList.contains("failed"),
  text: `${card.textContent} ${common}`.toLowerCase().normalize("NFC"),
}));

function apply() {
  const words = box.value.toLowerCase().normalize("NFC").split(/\s+/).filter(Boolean);
  let count = 0;
  for (const { card, failed, text } of cards) {
    const match = words.every((word) => text.includes(word)) && (failed || !failedOnly?.checked);
    card.hidden = !match;
    count += match;
  }
  shown.textContent = `${count} of ${cards.length} shown`;
}

box.addEventListener("input", apply);
failedOnly?.addEventListener("change", apply);
document.querySelector(".tools").addEventListener("submit", (event) => event.preventDefault());
document.querySelector(".tools").hidden = false;
apply();
