// The queue board: looking at a case beside the board without claiming it. Without this file a row leads to the case's page.
const { isTyping, loggedOut } = window.desk;
const peek = document.getElementById("peek");
const here = document.getElementById("peek-here");
let shown = null; // the id of the row that is looked at

const links = () => [...document.querySelectorAll(".rows a.row-link[data-peek]")];
const linkOf = (id) => document.querySelector(`#${id} a.row-link[data-peek]`);

async function look(link) {
  const id = link.closest(".row").id;
  const answer = await fetch(link.dataset.peek).catch(() => null);
  if (answer?.status === 401 || answer?.redirected) return loggedOut();
  const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
  const inside = page?.getElementById("peek-in");
  if (!inside) return void (peek.open ? gone() : location.assign(link.href));
  shown = id;
  here.replaceChildren(document.importNode(inside, true));
  if (!peek.open) peek.showModal();
  document.getElementById("peek-title").focus();
  peek.scrollTop = 0;
}

// What is looked at may be taken meanwhile
function gone() {
  const said = document.createElement("p");
  const holder = document.querySelector(`#${shown}[data-holder]`)?.dataset.holder;
  said.id = "peek-title";
  said.tabIndex = -1;
  said.className = "notice";
  said.textContent = holder ? `Taken by ${holder}. Esc goes back to the queue.` : "This case does not wait any more. Esc goes back to the queue.";
  here.replaceChildren(said);
  said.focus();
}

function step(by) {
  const all = links();
  const at = all.findIndex((link) => link.closest(".row").id === shown);
  const next = all[Math.min(all.length - 1, Math.max(0, at + by))];
  if (next && next.closest(".row").id !== shown) look(next);
}

document.getElementById("lanes").addEventListener("click", (event) => {
  const link = event.target.closest("a.row-link[data-peek]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button) return;
  event.preventDefault();
  look(link);
});
peek.addEventListener("click", (event) => {
  if (event.target !== peek && !event.target.closest("[data-close-peek]")) return;
  event.preventDefault();
  peek.close();
});
peek.addEventListener("close", () => {
  here.replaceChildren();
  linkOf(shown)?.focus();
  shown = null;
});
peek.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || localStorage.getItem("keys") === "off") return;
  const does = { j: () => step(1), k: () => step(-1), c: () => here.querySelector("[data-claim]")?.requestSubmit() }[event.key];
  if (!does) return;
  event.preventDefault();
  does();
});
addEventListener("desk:shown", () => {
  if (peek.open && shown && here.querySelector("[data-claim]") && !document.querySelector(`.is-queue > #${shown}`)) gone();
});
