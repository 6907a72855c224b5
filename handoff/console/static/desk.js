// Makes the advisers' pages live. Every page works without it: this file only fetches the same pages again and puts what
// changed into place, and listens to keys. It never moves the focus by itself. What a page adds (talk.js) finds this file's
// functions in `window.desk` and hears of "desk:showing", "desk:shown", "desk:feed", "desk:lost" and "desk:typing".
const body = document.body;
const QUIET_FOR_MS = 25_000; // the server gives a sign every 10 s; longer than this without one and the page is behind
const HEARTBEAT_MS = 20_000;
const REFRESH_MS = 30_000; // "waited 4 min" grows old without any event
const LATER_MS = 3_000; // how long news that this page is not about may wait
const GHOST_MS = 3_000;

document.documentElement.classList.add("has-script");
const byId = (id) => document.getElementById(id);
const tell = (name, detail) => dispatchEvent(new CustomEvent(`desk:${name}`, { detail }));
const isTyping = (target) => target.matches("input:not([type=radio]):not([type=hidden]), textarea, select");

// --- putting a newer version of a page into place ---------------------------------------------------------------------

function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const keepsOpen = old.nodeName === "DETAILS"; // what somebody folded or unfolded stays as they left it
  const isOwn = (name) => keepsOpen && name === "open";
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !isOwn(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value && !isOwn(name)) old.setAttribute(name, value);
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const kept = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let here = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const match = next.id ? kept.get(next.id) : isAlike(here, next) ? here : null;
    if (!match) {
      old.insertBefore(document.importNode(next, true), here);
      continue;
    }
    if (match === here) here = here.nextSibling;
    else old.insertBefore(match, here);
    if (match.nodeType === Node.TEXT_NODE) match.data === next.data || (match.data = next.data);
    else morph(match, next);
  }
  while (here) {
    const gone = here;
    here = here.nextSibling;
    if (!isKeptAsGhost(gone)) gone.remove();
  }
}

const isAlike = (old, fresh) => old && old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && !old.id;

// A row that left the queue while somebody looks at it says by whom it was taken, for a moment or until they move on.
function isKeptAsGhost(node) {
  if (!node.matches?.(".is-queue > .row")) return false;
  if (node.dataset.ghostUntil) return Date.now() < node.dataset.ghostUntil || node.contains(document.activeElement);
  if (pageNow?.querySelector(`.is-queue > #${node.id}`)) return false; // it only changed its lane
  const holder = pageNow?.querySelector(`#${node.id}[data-holder]`)?.dataset.holder;
  node.dataset.ghostUntil = Date.now() + GHOST_MS;
  const hadFocus = node.contains(document.activeElement);
  const said = document.createElement("p");
  said.textContent = `${node.dataset.reference} ${holder ? `taken by ${holder}` : "does not wait any more"}`;
  said.tabIndex = -1;
  said.className = "row-link";
  node.replaceChildren(said);
  node.removeAttribute("id");
  node.classList.add("is-taken");
  if (hadFocus) said.focus();
  setTimeout(() => node.contains(document.activeElement) || node.remove(), GHOST_MS);
  return true;
}

let pageNow = null;

function show(text, { also = [] } = {}) {
  const page = new DOMParser().parseFromString(text, "text/html");
  pageNow = page;
  const before = waitingIds();
  const row = document.activeElement?.closest(".row[id]")?.id;
  tell("showing", page);
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(old.id);
    if (fresh && (!("liveOnce" in old.dataset) || also.includes(old.id))) morph(old, fresh);
  }
  document.title = page.title;
  if (row && !document.activeElement?.closest(".row")) document.querySelector(`#${row} a.row-link`)?.focus({ preventScroll: true });
  announce(before);
  markNew();
  sayLine();
  tell("shown", page);
  return page;
}

const waitingIds = () => new Set(byId("lanes")?.dataset.waiting.split(" ").filter(Boolean) ?? []);

function announce(before) {
  if (!byId("lanes")) return;
  const count = [...waitingIds()].filter((id) => !before.has(id)).length;
  if (count) byId("news").textContent = count === 1 ? "1 new case" : `${count} new cases`;
}

// --- the feed: what happened, and whether we hear of it -------------------------------------------------------------

let seq = body.dataset.seq;
let source = null;
let lastSign = 0;
let state = "starting";

function listen() {
  if (state === "gone") return;
  source?.close();
  source = new EventSource(`${body.dataset.events}?after=${seq}${body.dataset.case ? `&case=${body.dataset.case}` : ""}`);
  source.addEventListener("typing", () => tell("typing"));
  source.addEventListener("beat", (event) => {
    seq = event.data;
    lastSign = Date.now();
    if (state === "behind") refresh();
    setFeed("live");
  });
  source.addEventListener("news", (event) => {
    seq = event.lastEventId;
    lastSign = Date.now();
    isAbout(JSON.parse(event.data)) ? refresh() : later();
  });
  source.onerror = () => {
    setFeed("behind");
    if (source.readyState !== EventSource.CLOSED) return;
    heartbeat(); // perhaps nobody is logged in any more
    setTimeout(listen, 3_000);
  };
}

// The browser's own new try may take long: when the line is back, we listen at once
addEventListener("online", listen);

function setFeed(now) {
  if (state === "gone" || (state === "starting" && now === "behind")) return;
  state = now;
  body.dataset.feed = now;
  const said = now === "live" ? "" : "Reconnecting – sending is held";
  if (byId("feed").textContent !== said) byId("feed").textContent = said;
  sayLine();
  tell("feed", now);
}

// "connected" is what the server hears (the heartbeat) and what we hear (the feed), both
let isHeard = true;
function sayLine() {
  const sign = byId("line-sign");
  if (!sign || state === "starting") return;
  const isOn = state === "live" && isHeard;
  sign.className = isOn ? "line-sign" : "line-sign is-off";
  sign.textContent = isOn ? "connected" : "not connected";
}

function loggedOut() {
  state = "gone";
  body.dataset.feed = "gone";
  source?.close();
  byId("feed").innerHTML = `You are logged out. Your draft is kept on this page. <a></a>`;
  const link = byId("feed").querySelector("a");
  link.href = `${body.dataset.logIn}?next=${encodeURIComponent(location.pathname)}`;
  link.textContent = "Log in again";
  sayLine();
  tell("feed", state);
}

// What a page is about is shown at once: its own case, my other conversations, or the kinds of event it names. Anything else
// may wait a moment: a busy morning of everybody's must not load every page many times a second.
function isAbout({ kind, case: id }) {
  if (body.dataset.cares.split(" ").some((start) => start && kind.startsWith(start))) return true;
  return id !== null && (String(id) === body.dataset.case || Boolean(byId(`mine-${id}`)));
}

let waiting = null;
function later() {
  waiting ??= setTimeout(() => {
    waiting = null;
    refresh();
  }, LATER_MS);
}

let refreshing = false;
let again = false;
async function refresh() {
  if (refreshing) return void (again = true);
  refreshing = true;
  try {
    const answer = await fetch(location.pathname);
    if (answer.status === 401 || answer.redirected) loggedOut();
    else if (answer.status === 404 || answer.status === 410) tell("lost", await answer.text());
    else if (answer.ok) show(await answer.text());
  } catch {
    setFeed("behind");
  }
  refreshing = false;
  if (again) {
    again = false;
    refresh();
  }
}

let active = false;
for (const sign of ["keydown", "pointerdown", "scroll"]) addEventListener(sign, () => (active = true), { passive: true });

async function heartbeat() {
  const headers = { "X-CSRF": body.dataset.csrf, "Content-Type": "application/x-www-form-urlencoded" };
  if (active) headers["X-Active"] = "1";
  active = false;
  const answer = await fetch(body.dataset.heartbeat, { method: "POST", headers }).catch(() => null);
  isHeard = Boolean(answer?.ok);
  if (answer?.status === 401) loggedOut();
  sayLine();
}

// What is new in my other conversations
function markNew() {
  const here = byId("log");
  for (const link of document.querySelectorAll("#mine a")) {
    const key = `seen-${link.closest("li").id}`;
    if (link.getAttribute("aria-current") && here) sessionStorage.setItem(key, link.dataset.last);
    const isNew = Number(link.dataset.last) > Number(sessionStorage.getItem(key) ?? 0);
    link.querySelector(".new-mark").hidden = !isNew || link.getAttribute("aria-current") === "page";
  }
}

// A form that is on its way is not sent twice
addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  if (event.target.dataset.underWay) return event.preventDefault();
  event.target.dataset.underWay = "yes";
  if ("logOut" in event.target.dataset) forgetDrafts();
});
// Drafts are kept under `draft-<adviser>-…` until they are sent; they do not outlive the log-out of the one who wrote them.
function forgetDrafts() {
  sessionStorage.clear();
  const own = Object.keys(localStorage).filter((key) => key.startsWith(`draft-${body.dataset.me}-`));
  for (const key of own) localStorage.removeItem(key);
}
addEventListener("pageshow", () => document.querySelectorAll("[data-under-way]").forEach((form) => delete form.dataset.underWay));

// --- keys ---------------------------------------------------------------------------------------------------------------

const keysOff = () => localStorage.getItem("keys") === "off";

const press = (claim) => claim?.requestSubmit ? claim.requestSubmit() : claim?.click();

function step(by) {
  const links = [...document.querySelectorAll(".rows a.row-link")];
  const at = links.indexOf(document.activeElement?.closest(".row")?.querySelector("a.row-link"));
  links[Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  c: () => press((document.activeElement?.closest(".row") ?? byId("case-head"))?.querySelector("[data-claim]")),
  x: () => byId("next")?.requestSubmit(),
  q: () => document.querySelector(".brand a")?.click(),
  "?": showKeys,
};

function showKeys() {
  byId("keys").querySelector("[data-toggle-keys]").textContent = keysOff() ? "Turn single keys on" : "Turn single keys off";
  byId("keys").showModal();
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && isTyping(event.target)) return event.target.blur();
  if (!byId("keys") || document.querySelector("dialog[open]") || isTyping(event.target)) return;
  if (keysOff() && event.key !== "?") return;
  if (!KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
byId("keys")?.addEventListener("click", (event) => {
  if (event.target.closest("[data-toggle-keys]")) {
    localStorage.setItem("keys", keysOff() ? "on" : "off");
    byId("keys").close();
  }
  if (event.target.closest("[data-close-keys]")) byId("keys").close();
});

// Being available or away is said without leaving the page
byId("me")?.addEventListener("submit", async (event) => {
  if (event.target.id !== "presence") return;
  event.preventDefault();
  const said = new URLSearchParams(new FormData(event.target, event.submitter));
  const answer = await fetch(event.target.action, { method: "POST", body: said }).catch(() => null);
  if (answer?.status === 401) return loggedOut();
  if (!answer) return setFeed("behind");
  byId("presence-menu").open = false;
  byId("presence-menu").querySelector("summary").focus();
  refresh();
});

// --- going elsewhere ----------------------------------------------------------------------------------------------------

const goTo = byId("go-to");
let chosen = 0;

function destinations() {
  const links = [...document.querySelectorAll("#mine a, #rail a")].map((link) => {
    const named = link.cloneNode(true);
    named.querySelector(".new-mark")?.remove();
    return { text: named.textContent.trim().replace(/\s+/g, " "), href: link.href };
  });
  const wanted = goTo.value.trim().toLowerCase();
  const found = links.filter(({ text }) => wanted.split(/\s+/).every((word) => text.toLowerCase().includes(word)));
  return wanted ? [...found, { text: `Look up “${goTo.value.trim()}”`, href: "" }] : found;
}

function offer() {
  const found = destinations();
  chosen = Math.min(Math.max(0, chosen), found.length - 1);
  byId("go-list").replaceChildren(
    ...found.map(({ text, href }, at) => {
      const option = document.createElement("li");
      Object.assign(option, { id: `go-${at}`, textContent: text });
      option.dataset.href = href;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", String(at === chosen));
      return option;
    }),
  );
  goTo.setAttribute("aria-activedescendant", `go-${chosen}`);
  byId(`go-${chosen}`)?.scrollIntoView({ block: "nearest" });
  byId("go-count").textContent = found.length === 1 ? "1 choice" : `${found.length} choices`;
}

function openGo() {
  if (byId("go").open) return;
  goTo.value = "";
  chosen = 0;
  offer();
  byId("go").showModal();
}

function leave(option) {
  if (option?.dataset.href) location.assign(option.dataset.href);
  else if (goTo.value.trim()) byId("go-form").submit();
}

if (goTo) {
  byId("go-button").addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openGo();
  });
  goTo.addEventListener("input", () => {
    chosen = 0;
    offer();
  });
  goTo.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    chosen += by;
    offer();
  });
  byId("go-form").addEventListener("submit", (event) => {
    event.preventDefault();
    leave(byId(`go-${chosen}`));
  });
  byId("go-list").addEventListener("click", (event) => leave(event.target.closest("li")));
  addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || event.altKey || event.shiftKey || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    openGo();
  });
}

window.desk = { KEYS, isTyping, show, refresh, setFeed, loggedOut, state: () => state };

// --- begin --------------------------------------------------------------------------------------------------------------

document.querySelector("[data-focus]")?.focus();
if (body.dataset.events) {
  listen();
  heartbeat();
  markNew();
  setInterval(heartbeat, HEARTBEAT_MS);
  setInterval(() => state === "live" && refresh(), REFRESH_MS);
  setInterval(() => {
    if (state !== "live" || Date.now() - lastSign < QUIET_FOR_MS) return;
    setFeed("behind");
    listen();
  }, 2_000);
}
