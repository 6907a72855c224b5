// Tells this browser of new notices: a count in the title, and, only where its owner asked for it, a notification of the
// browser's and a short sound. What is said is the list's own line: a reference and a tier, never any content.
const list = document.getElementById("notices");
const KNOWN = "notices-known";
const ALLOWED = "notices-allowed";
const SOUND = "notices-sound";
const KEPT = 200;

const known = () => new Set(JSON.parse(localStorage.getItem(KNOWN) ?? "[]"));
const remember = (ids) => localStorage.setItem(KNOWN, JSON.stringify([...ids].slice(-KEPT)));
const isAllowed = () => "Notification" in window && Notification.permission === "granted" && localStorage.getItem(ALLOWED) === "yes";

// The title may be set anew with every piece of news: the count is put before it each time.
function badge() {
  const count = Number(list.dataset.count);
  const plain = document.title.replace(/^\[\d+\] /, "");
  const wanted = count ? `[${count}] ${plain}` : plain;
  if (document.title !== wanted) document.title = wanted;
}

function tellNew() {
  badge();
  const seen = known();
  const fresh = [...list.querySelectorAll("[data-notice]")].filter((each) => !seen.has(each.dataset.notice));
  if (!fresh.length) return;
  for (const each of fresh) seen.add(each.dataset.notice);
  remember(seen);
  if (document.visibilityState === "visible" && document.hasFocus()) return;
  if (isAllowed()) fresh.forEach(show);
  if (localStorage.getItem(SOUND) === "yes") sound();
}

function show(each) {
  const shown = new Notification("Firstline", { body: each.textContent, tag: `notice-${each.dataset.notice}`, silent: true });
  const place = each.dataset.href;
  shown.onclick = () => {
    window.focus();
    shown.close();
    if (place) location.assign(place);
  };
}

function sound() {
  const context = new AudioContext();
  const tone = context.createOscillator();
  const volume = context.createGain();
  volume.gain.value = 0.08;
  tone.frequency.value = 660;
  tone.connect(volume).connect(context.destination);
  tone.onended = () => context.close();
  tone.start();
  tone.stop(context.currentTime + 0.18);
}

if (list) {
  tellNew();
  new MutationObserver(tellNew).observe(list, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-count"] });
  new MutationObserver(badge).observe(document.querySelector("title"), { childList: true });
}

// --- the settings, on the account page ----------------------------------------------------------------------------------

const settings = document.getElementById("notice-settings");

function sayState() {
  const button = document.getElementById("notices-allow");
  const denied = "Notification" in window && Notification.permission === "denied";
  button.hidden = !("Notification" in window) || denied;
  button.textContent = isAllowed() ? "Stop showing notices outside this page" : "Show notices outside this page";
  document.getElementById("notices-state").textContent = !("Notification" in window)
    ? "This browser cannot show notices outside its pages."
    : denied
      ? "This browser has been told not to show notices of this page. Its own settings can change that."
      : isAllowed()
        ? "On. Notices are shown while the desk is not in front of you."
        : "Off.";
}

if (settings) {
  settings.hidden = false;
  sayState();
  document.getElementById("notices-allow").addEventListener("click", async () => {
    if (isAllowed()) localStorage.setItem(ALLOWED, "no");
    else if ((await Notification.requestPermission()) === "granted") localStorage.setItem(ALLOWED, "yes");
    sayState();
  });
  const box = document.getElementById("notices-sound");
  box.checked = localStorage.getItem(SOUND) === "yes";
  box.addEventListener("change", () => {
    localStorage.setItem(SOUND, box.checked ? "yes" : "no");
    if (box.checked) sound();
  });
}
