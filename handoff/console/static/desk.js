// Makes the advisers' pages live. Every page works without it: this file only fetches the same pages again and puts what
// changed into place, sends a reply without leaving the page, and listens to keys. It never moves the focus by itself.
const body = document.body;
const QUIET_FOR_MS = 25_000; // the server gives a sign every 10 s; longer than this without one and the page is behind
const HEARTBEAT_MS = 20_000;
const REFRESH_MS = 30_000; // "waited 4 min" grows old without any event
const SEEN_AFTER_MS = 1_200; // a line counts as seen when it has been on the screen for so long
const GHOST_MS = 3_000;

document.documentElement.classList.add("has-script");
const byId = (id) => document.getElementById(id);
const isTyping = (target) => target.matches("input:not([type=radio]):not([type=hidden]), textarea, select");

// --- putting a newer version of a page into place ---------------------------------------------------------------------

function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
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
  if (!node.matches?.("#rows-waiting > .row")) return false;
  if (node.dataset.ghostUntil) return Date.now() < node.dataset.ghostUntil || node.contains(document.activeElement);
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
  const log = byId("log");
  const wasAtEnd = log && log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const before = waitingIds();
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(old.id);
    if (fresh && (old.id !== "composer-said" || also.includes(old.id))) morph(old, fresh);
  }
  document.title = page.title;
  announce(before);
  markNew();
  if (wasAtEnd) log.scrollTop = log.scrollHeight;
  const mine = page.getElementById("speaker")?.dataset.mine;
  if (byId("speaker") && mine) lock(mine !== "yes");
  sawLater();
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
  source = new EventSource(`${body.dataset.events}?after=${seq}`);
  source.addEventListener("beat", (event) => {
    seq = event.data;
    lastSign = Date.now();
    if (state === "behind") refresh();
    setFeed("live");
  });
  source.addEventListener("news", (event) => {
    seq = event.lastEventId;
    lastSign = Date.now();
    refresh();
  });
  source.onerror = () => {
    setFeed("behind");
    if (source.readyState !== EventSource.CLOSED) return;
    heartbeat(); // perhaps nobody is logged in any more
    setTimeout(listen, 3_000);
  };
}

function setFeed(now) {
  if (state === "gone" || (state === "starting" && now === "behind")) return;
  state = now;
  body.dataset.feed = now;
  const said = now === "live" ? "" : "Reconnecting – sending is held";
  if (byId("feed").textContent !== said) byId("feed").textContent = said;
  setHeld();
}

function loggedOut() {
  state = "gone";
  body.dataset.feed = "gone";
  source?.close();
  byId("feed").innerHTML = `You are logged out. Your draft is kept on this page. <a></a>`;
  const link = byId("feed").querySelector("a");
  link.href = `${body.dataset.logIn}?next=${encodeURIComponent(location.pathname)}`;
  link.textContent = "Log in again";
  setHeld();
}

let refreshing = false;
let again = false;
async function refresh() {
  if (refreshing) return void (again = true);
  refreshing = true;
  try {
    const answer = await fetch(location.pathname);
    if (answer.status === 401 || answer.redirected) loggedOut();
    else if (answer.status === 404) lock(true);
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
  if (answer?.status === 401) loggedOut();
}

// --- the conversation ---------------------------------------------------------------------------------------------------

const composer = byId("composer");
const draftKey = composer && `draft-${composer.dataset.case}`;
let locked = false;

function lock(isLocked) {
  if (isLocked === locked || !composer) return;
  locked = isLocked;
  body.classList.toggle("is-locked", locked);
  byId("composer-said").innerHTML = locked
    ? `<p class="notice is-warning"><strong>This case is not yours any more.</strong> Nothing can be sent from here. Your words are kept below, to copy.</p>`
    : "";
  setHeld();
}

function setHeld() {
  byId("send")?.setAttribute("aria-disabled", String(locked || (state !== "live" && state !== "starting")));
}

// The last line on the screen counts as seen only after a moment: a reply sent in the same breath is stopped and looked at.
function sawLater() {
  const seen = byId("log")?.dataset.seen;
  if (!composer || seen === undefined || Number(seen) <= Number(composer.elements.seen_seq.value)) return;
  setTimeout(() => {
    if (document.visibilityState === "visible" && Number(seen) > Number(composer.elements.seen_seq.value)) composer.elements.seen_seq.value = seen;
  }, SEEN_AFTER_MS);
}

let sending = false;
async function send(event) {
  event.preventDefault();
  if (sending || locked || byId("send").getAttribute("aria-disabled") === "true") return;
  if (!composer.reportValidity()) return;
  sending = true;
  try {
    const answer = await fetch(composer.action, { method: "POST", body: new URLSearchParams(new FormData(composer)) });
    if (answer.status === 401) return loggedOut();
    const page = show(await answer.text(), { also: ["composer-said"] });
    if (answer.status === 404) return lock(true);
    const fresh = page.getElementById("composer");
    if (!fresh) return;
    if (answer.ok) {
      composer.elements.client_id.value = fresh.elements.client_id.value;
      composer.elements.text.value = "";
      sessionStorage.removeItem(draftKey);
    }
    composer.elements.seen_seq.value = fresh.elements.seen_seq.value;
    const log = byId("log");
    log.scrollTop = log.scrollHeight;
  } catch {
    setFeed("behind");
  } finally {
    sending = false;
  }
}

if (composer) {
  const reply = composer.elements.text;
  reply.value ||= sessionStorage.getItem(draftKey) ?? "";
  reply.addEventListener("input", () => sessionStorage.setItem(draftKey, reply.value));
  composer.addEventListener("submit", send);
  reply.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    composer.requestSubmit();
  });
}
if (byId("log")) byId("log").scrollTop = byId("log").scrollHeight;

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
  if (event.defaultPrevented || event.target === composer) return;
  if (event.target.dataset.underWay) return event.preventDefault();
  event.target.dataset.underWay = "yes";
  if ("logOut" in event.target.dataset) sessionStorage.clear(); // drafts do not outlive the one who wrote them
});
addEventListener("pageshow", () => document.querySelectorAll("[data-under-way]").forEach((form) => delete form.dataset.underWay));

// --- keys ---------------------------------------------------------------------------------------------------------------

const keysOff = () => localStorage.getItem("keys") === "off";

function step(by) {
  const links = [...document.querySelectorAll(".rows a.row-link")];
  const at = links.indexOf(document.activeElement?.closest(".row")?.querySelector("a.row-link"));
  links[Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  c: () => (document.activeElement?.closest(".row") ?? byId("case-head"))?.querySelector("[data-claim]")?.requestSubmit(),
  x: () => byId("next")?.requestSubmit(),
  r: () => composer?.elements.text.focus(),
  n: () => byId("note")?.focus(),
  w: () => byId("wrap-up")?.requestSubmit(),
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
  if (!byId("keys") || byId("keys").open || isTyping(event.target)) return;
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
