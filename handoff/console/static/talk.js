// The conversation made live: sending without leaving the page, drafts that survive, pages put into a reply, tabs, typing.
// Everything here also works without it. `window.desk` is desk.js.
const desk = window.desk;
const body = document.body;
const byId = (id) => document.getElementById(id);
const SEEN_AFTER_MS = 1_200; // a line counts as seen when it has been on the screen for so long
const LONGEST = 4_000; // as domain.MAX_MESSAGE_CHARACTERS
const TYPING_EVERY_MS = 3_000;
const TYPING_LASTS_MS = 6_000;
const SEARCH_AFTER_MS = 150;

const composer = byId("composer");
const reply = composer?.elements.text;
let locked = false;

// --- drafts: in this browser, for each adviser and case, until they are sent or the adviser logs out --------------------

const keyOf = (of, what) => `draft-${body.dataset.me}-${of}-${what}`;
const isOut = () => desk.state() === "gone"; // then a draft stays with this window alone, for when they are back

function keep(key, value) {
  if (!value && localStorage.getItem(key)) localStorage.setItem(key, "{}"); // other windows hear: it was sent, not lost
  for (const place of [localStorage, sessionStorage]) place.removeItem(key);
  if (value) (isOut() ? sessionStorage : localStorage).setItem(key, value);
}

const kept = (key) => localStorage.getItem(key) ?? sessionStorage.getItem(key);

function read(key) {
  try {
    return JSON.parse(kept(key)) ?? {};
  } catch {
    return {};
  }
}

function keepReply() {
  const pages = [...byId("carries").children].map(described);
  keep(keyOf(composer.dataset.case, "reply"), reply.value && JSON.stringify({ text: reply.value, pages }));
}

function restoreReply() {
  const { text = "", pages = [] } = read(keyOf(composer.dataset.case, "reply"));
  if (reply.value || !text) return;
  reply.value = text;
  byId("carries").replaceChildren(...pages.map(chip));
}

const note = byId("note");
if (note) {
  const key = keyOf(byId("note-form").dataset.case, "note");
  note.value ||= kept(key) ?? "";
  note.addEventListener("input", () => (keep(key, note.value), measure(note)));
  byId("note-form").addEventListener("submit", (event) => {
    if (isTooLong(note)) event.preventDefault();
    else if (!isOut()) keep(key, "");
  });
  measure(note);
}

// What another window of the same adviser wrote or sent shows here too, unless somebody is writing here.
addEventListener("storage", (event) => {
  if (!composer || event.key !== keyOf(composer.dataset.case, "reply") || event.newValue === null) return;
  const before = event.oldValue ? JSON.parse(event.oldValue).text : "";
  const isWriting = document.activeElement === reply && document.hasFocus();
  if (reply.value !== before || (isWriting && event.newValue !== "{}")) return; // "{}": the same words were sent there
  reply.value = "";
  byId("carries").replaceChildren();
  restoreReply();
  measure(reply);
});

const left = byId("kept-draft");
if (left) {
  const keys = ["reply", "note"].map((what) => keyOf(left.dataset.case, what));
  byId("kept-words").value = [read(keys[0]).text, kept(keys[1])].filter(Boolean).join("\n\n");
  left.hidden = !byId("kept-words").value;
  byId("drop-draft").addEventListener("click", () => {
    for (const key of keys) keep(key, "");
    left.hidden = true;
  });
}

// --- what is too long is said before it is lost ------------------------------------------------------------------------

const isTooLong = (field) => field.value.trim().length > LONGEST;

function measure(field) {
  const said = byId(`${field.id}-long`);
  const length = field.value.trim().length;
  const words = length > LONGEST ? `${length.toLocaleString("en-GB")} characters. ${LONGEST.toLocaleString("en-GB")} fit: send it in parts. Nothing was cut.` : "";
  if (said.textContent !== words) said.textContent = words;
  field.setCustomValidity(words);
}

// --- sending ----------------------------------------------------------------------------------------------------------

function lock(isLocked, why = "This case is not yours any more.") {
  if (!composer || isLocked === locked) return;
  locked = isLocked;
  body.classList.toggle("is-locked", locked);
  const said = byId("composer-said");
  said.replaceChildren();
  if (locked) {
    const line = document.createElement("p");
    line.className = "notice is-warning";
    const strong = document.createElement("strong");
    strong.textContent = why;
    line.append(strong, " Nothing can be sent from here. Your words are kept below, to copy.");
    said.append(line);
  }
  setHeld();
}

function setHeld() {
  const isHeld = locked || !["live", "starting"].includes(desk.state());
  byId("send")?.setAttribute("aria-disabled", String(isHeld));
}

// The last line on the screen counts as seen only after a moment: a reply sent in the same breath is stopped and looked at.
function sawLater() {
  const seen = byId("log")?.dataset.seen;
  const field = composer?.elements.seen_seq;
  if (!field || seen === undefined || Number(seen) <= Number(field.value)) return;
  setTimeout(() => {
    if (document.visibilityState === "visible" && Number(seen) > Number(field.value)) field.value = seen;
  }, SEEN_AFTER_MS);
}

let sending = false;
async function send(event) {
  if (event.submitter?.id === "find") return openFinder(event);
  event.preventDefault();
  if (sending || locked || byId("send").getAttribute("aria-disabled") === "true") return;
  if (!composer.reportValidity()) return;
  sending = true;
  const sent = reply.value;
  try {
    const answer = await fetch(composer.action, { method: "POST", body: new URLSearchParams(new FormData(composer)) });
    if (answer.status === 401) return desk.loggedOut();
    const page = desk.show(await answer.text(), { also: ["composer-said"] });
    if (answer.status === 404) return desk.refresh();
    const fresh = page.getElementById("composer");
    if (!fresh) return (byId("composer-said").textContent = `Not sent: ${page.querySelector("h1")?.textContent ?? "something went wrong"}. Your words are kept below.`);
    if (answer.ok) {
      composer.elements.client_id.value = fresh.elements.client_id.value;
      if (reply.value === sent) reply.value = "";
      byId("carries").replaceChildren();
      keepReply();
    } else byId("carries").replaceChildren(...[...fresh.querySelectorAll("#carries > li")].map((each) => document.importNode(each, true)));
    composer.elements.seen_seq.value = fresh.elements.seen_seq.value;
    measure(reply);
    toEnd();
  } catch {
    desk.setFeed("behind");
  } finally {
    sending = false;
  }
}

let typedAt = 0;
function tellTyping() {
  if (!composer.dataset.typing || locked || Date.now() - typedAt < TYPING_EVERY_MS) return;
  typedAt = Date.now();
  const headers = { "X-CSRF": body.dataset.csrf, "Content-Type": "application/x-www-form-urlencoded" };
  fetch(composer.dataset.typing, { method: "POST", headers }).catch(() => {});
}

if (composer) {
  restoreReply();
  measure(reply);
  reply.addEventListener("input", () => {
    keepReply();
    measure(reply);
    if (reply.value) tellTyping();
  });
  byId("carries").addEventListener("change", (event) => {
    event.target.closest("li").remove();
    keepReply();
    reply.focus();
  });
  composer.addEventListener("submit", send);
  reply.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "/" && composer.dataset.content && beginsWord()) return openFinder(event);
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    composer.requestSubmit(byId("send"));
  });
}

// --- pages of the library, put into the reply ---------------------------------------------------------------------------

const finder = byId("finder");
const words = byId("finder-words");
let found = [];
let at = -1;
let searchLater;

const beginsWord = () => /(^|\s)$/.test(reply.value.slice(0, reply.selectionStart));

function openFinder(event) {
  event.preventDefault();
  finder.hidden = false;
  finder.dataset.slash = event.key === "/" ? "yes" : "";
  words.value = "";
  words.setAttribute("aria-expanded", "true");
  words.focus();
  search();
}

function closeFinder({ typed = "" } = {}) {
  finder.hidden = true;
  words.setAttribute("aria-expanded", "false");
  reply.focus();
  if (typed) put(typed);
}

function put(text) {
  reply.setRangeText(text, reply.selectionStart, reply.selectionEnd, "end");
  reply.dispatchEvent(new Event("input"));
}

async function search() {
  const asked = words.value;
  const query = new URLSearchParams({ q: asked, case: composer.dataset.case });
  const answer = await fetch(`${composer.dataset.content}?${query}`).catch(() => null);
  if (asked !== words.value) return;
  found = answer?.ok ? (await answer.json()).pages : [];
  byId("finder-list").replaceChildren(...found.map(option));
  const none = answer?.ok ? (asked ? "No page has all these words." : "Type a title, an id or words of the page.") : "Pages cannot be searched at the moment.";
  byId("finder-said").textContent = found.length ? `${found.length === 1 ? "1 page" : `${found.length} pages`}. Enter puts it in, Esc closes.` : none;
  select(found.length ? 0 : -1);
}

function option(page, index) {
  const made = document.createElement("li");
  made.id = `finder-${index}`;
  made.role = "option";
  made.setAttribute("aria-disabled", String(page.withdrawn));
  const title = document.createElement("strong");
  title.textContent = page.title;
  const id = document.createElement("code");
  id.textContent = page.id;
  const said = document.createElement("span");
  said.className = `carried-said${page.overdue || page.withdrawn ? " is-overdue" : ""}`;
  said.textContent = page.said;
  made.append(title, " ", id, said);
  return made;
}

function select(index) {
  at = index;
  [...byId("finder-list").children].forEach((each, number) => each.setAttribute("aria-selected", String(number === at)));
  const chosen = byId(`finder-${at}`);
  if (chosen) words.setAttribute("aria-activedescendant", chosen.id);
  else words.removeAttribute("aria-activedescendant");
  chosen?.scrollIntoView({ block: "nearest" });
}

function insert(page) {
  if (!page) return;
  if (page.withdrawn) return void (byId("finder-said").textContent = "That page was withdrawn. It may not be sent any more.");
  closeFinder();
  const before = reply.value.slice(0, reply.selectionStart);
  byId("carries").querySelector(`[data-page="${page.id}"]`)?.remove();
  byId("carries").append(chip(page));
  put(`${before && !before.endsWith("\n") ? "\n\n" : ""}${page.text}\n`);
}

const described = (each) => ({
  id: each.dataset.page,
  version: each.querySelector("input").value,
  title: each.querySelector("strong").textContent,
  said: each.querySelector(".carried-said").textContent,
  overdue: Boolean(each.querySelector(".is-overdue")),
});

function chip(page) {
  const made = document.createElement("li");
  made.className = "carried";
  made.dataset.page = page.id;
  made.innerHTML = `<label><input type="checkbox" checked> <span><strong></strong> <span class="carried-said"></span></span></label>`;
  const box = made.querySelector("input");
  box.setAttribute("name", `page-${page.id}`);
  box.setAttribute("value", page.version);
  made.querySelector("strong").textContent = page.title;
  made.querySelector(".carried-said").textContent = page.said;
  made.querySelector(".carried-said").classList.toggle("is-overdue", page.overdue);
  return made;
}

if (finder) {
  words.addEventListener("input", () => {
    clearTimeout(searchLater);
    searchLater = setTimeout(search, SEARCH_AFTER_MS);
  });
  words.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves && found.length) select((at + moves[event.key] + found.length) % found.length);
    else if (event.key === "Enter") insert(found[at]);
    else if (event.key === "Escape") closeFinder({ typed: finder.dataset.slash && !words.value ? "/" : "" });
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  byId("finder-list").addEventListener("click", (event) => {
    const chosen = event.target.closest("[role=option]");
    if (chosen) insert(found[Number(chosen.id.replace("finder-", ""))]);
  });
}

// --- the column of tabs -----------------------------------------------------------------------------------------------

const tabs = [...document.querySelectorAll("#tabs [role=tab]")];
const TAB = `desk-tab-${body.dataset.me}`;

function openTab(tab, { remember = true, focus = false } = {}) {
  if (!tab) return;
  for (const each of tabs) {
    const isOpen = each === tab;
    each.setAttribute("aria-selected", String(isOpen));
    each.tabIndex = isOpen ? 0 : -1;
    const panel = byId(each.getAttribute("aria-controls"));
    panel.role = "tabpanel";
    panel.setAttribute("aria-labelledby", each.id);
    panel.classList.toggle("is-open", isOpen);
  }
  if (remember) localStorage.setItem(TAB, tab.id);
  if (focus) tab.focus();
}

const tabOf = (element) => tabs.find((tab) => byId(tab.getAttribute("aria-controls")).contains(element));

function toHash() {
  const target = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
  const tab = target && tabOf(target);
  if (tab) openTab(tab);
}

if (tabs.length) {
  openTab(byId(localStorage.getItem(TAB) ?? "") ?? tabs[0], { remember: false });
  byId("side").classList.add("has-tabs");
  toHash();
  addEventListener("hashchange", toHash);
  byId("tabs").addEventListener("click", (event) => openTab(event.target.closest("[role=tab]")));
  byId("tabs").addEventListener("keydown", (event) => {
    const here = tabs.indexOf(event.target.closest("[role=tab]"));
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    openTab(tabs[(to + tabs.length) % tabs.length], { focus: true });
  });
}

// --- staying live -----------------------------------------------------------------------------------------------------

const log = byId("log");
const toEnd = () => log && (log.scrollTop = log.scrollHeight);
let wasAtEnd = true;
let dotsUntil;

function dots(isShown) {
  const shown = document.querySelector("#dots .dots-in");
  clearTimeout(dotsUntil);
  if (shown) shown.hidden = !isShown;
  if (isShown) dotsUntil = setTimeout(() => dots(false), TYPING_LASTS_MS);
}

addEventListener("desk:typing", () => dots(true));
addEventListener("desk:showing", () => (wasAtEnd = log && log.scrollHeight - log.scrollTop - log.clientHeight < 40));
addEventListener("desk:shown", ({ detail: page }) => {
  if (wasAtEnd) toEnd();
  const mine = page.getElementById("speaker")?.dataset.mine;
  if (byId("speaker") && mine) lock(mine !== "yes");
  if (page.body.dataset.csrf) takeOver(page.body.dataset.csrf);
  if (page.querySelector("#lines > li:last-child")?.classList.contains("by-enquirer")) dots(false);
  sawLater();
});
addEventListener("desk:feed", () => {
  if (isOut() && composer) keepReply();
  setHeld();
});
addEventListener("desk:lost", ({ detail: text }) => {
  const page = new DOMParser().parseFromString(text, "text/html");
  lock(true, page.querySelector("#passed-on strong")?.textContent);
  byId("speaker")?.replaceChildren(...[page.querySelector("#passed-on")].filter(Boolean).map((each) => document.importNode(each, true)));
  for (const each of document.querySelectorAll(".case-do > *, #log form")) each.remove();
});

// After logging in again elsewhere, this page's forms carry the token of the session that is now.
function takeOver(csrf) {
  body.dataset.csrf = csrf;
  for (const field of document.querySelectorAll("input[name=csrf]")) field.value = csrf;
}

toEnd();

// --- keys -------------------------------------------------------------------------------------------------------------

function openTransfer() {
  const place = byId("transfer");
  if (!place) return;
  place.open = true;
  (place.querySelector("input[type=radio]:enabled") ?? place.querySelector("summary")).focus();
}

Object.assign(desk.KEYS, {
  r: () => reply?.focus(),
  n: () => (openTab(byId("tab-notes")), note?.focus()),
  t: openTransfer,
  p: () => byId("pause")?.requestSubmit(),
  w: () => byId("wrap-up")?.requestSubmit(),
});
byId("transfer")?.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  byId("transfer").open = false;
  byId("transfer").querySelector("summary").focus();
});
