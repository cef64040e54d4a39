// Keeps what is live up to date, and ticks all boxes at once. Everything works without it.
"use strict";

function everySoManySeconds(part) {
  return Number(part.dataset.every) || 0;
}

async function refresh() {
  const part = document.getElementById("live");
  if (!part || document.hidden || part.contains(document.activeElement)) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("live");
  if (!fresh) return;
  // What somebody has unfolded stays so.
  const open = [...part.querySelectorAll("details")].map((details) => details.open);
  fresh.querySelectorAll("details").forEach((details, place) => { details.open = open[place] === true; });
  part.replaceWith(fresh);
}

function live() {
  const part = document.getElementById("live");
  const seconds = part ? everySoManySeconds(part) : 0;
  if (seconds === 0) return;
  setTimeout(() => refresh().catch(() => {}).finally(live), seconds * 1000);
}

function ticks() {
  const place = document.querySelector(".tick-all");
  if (!place) return;
  const boxes = () => document.querySelectorAll("input[name=order]");
  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", "Choose all on this page");
  all.addEventListener("change", () => boxes().forEach((box) => { box.checked = all.checked; }));
  place.append(all);
}

live();
ticks();
