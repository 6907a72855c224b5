// The chat widget: one custom element, no dependency, no build step, under 10 KB gzipped (a test weighs it).
// Its words come from content/interface and its look from widget.css, both asked of the server that served this file.
(() => {
  "use strict";
  const script = document.currentScript;
  const settings = script?.dataset ?? {};
  const base = new URL(settings.api ?? "/", script?.src || location.href);
  const KEPT = "firstline";
  const FIRST_COMMANDS = ["danger_now", "talk_to_person", "back"];
  const WITH_PEOPLE = ["danger_now", "record", "stop", "switch_language"]; // the others do nothing while people answer
  const SEND_LIMIT_MS = 20_000;
  const SILENCE_LIMIT_MS = 45_000; // the server says something every 15 seconds
  const LONGEST_WAIT_S = 30;

  // Kept for this tab only: computers in schools are shared. Where storage is blocked, memory serves.
  let memory = {};
  const kept = {
    read() { try { return JSON.parse(sessionStorage[KEPT] ?? "{}"); } catch { return memory; } },
    write(changes) { this.put({ ...this.read(), ...changes }); },
    put(all) { memory = all; try { sessionStorage[KEPT] = JSON.stringify(all); } catch {} },
    clear() { memory = {}; try { delete sessionStorage[KEPT]; } catch {} },
  };

  const pause = (seconds) => new Promise((done) => {
    const timer = setTimeout(done, seconds * 1000);
    addEventListener("online", () => { clearTimeout(timer); done(); }, { once: true });
  });

  // crypto.randomUUID is missing on plain http
  const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => (byte + 256).toString(16).slice(1)).join("");

  /** 32 bytes of chance in base64url, as the server makes them too. */
  const newToken = () => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

  /** The line to the server: sends in order, one thing at a time; listens for advisers. */

  class Line {
    constructor(owner) {
      this.owner = owner;
      this.troubles = new Set();
      this.renew(kept.read());
    }

    renew({ token = null, fresh = newToken(), queue = [] } = {}) {
      this.hangUp();
      Object.assign(this, { token, fresh, queue, seq: 0, epoch: (this.epoch ?? 0) + 1 });
    }

    hangUp() {
      this.stream?.abort();
      this.stream = null;
    }

    request(path, options = {}) {
      const headers = { Authorization: `Bearer ${this.token ?? this.fresh}` };
      if (options.body) headers["Content-Type"] = "application/json";
      return fetch(new URL(path, base), { cache: "no-store", credentials: "omit", ...options, headers });
    }

    say(body) {
      const item = { id: newId(), ...body };
      this.queue.push(item);
      this.remember();
      this.pump();
      return item;
    }

    /** `fresh` is our own choice of token, kept before the first message goes: sent again, it is the same enquirer's. */
    remember() { kept.write({ token: this.token, fresh: this.fresh, queue: this.queue }); }

    async pump() {
      if (this.sending) return;
      this.sending = true;
      for (let wait = 1; this.queue.length; ) {
        const { epoch } = this;
        const delivered = await this.deliver(this.queue[0], epoch);
        if (delivered === true || epoch !== this.epoch) { wait = 1; continue; }
        await pause(delivered || wait);
        wait = Math.min(wait * 2, LONGEST_WAIT_S);
      }
      this.sending = false;
    }

    /** True when done; else how many seconds to wait (0: the usual). A repeat has the same id, so it counts once. */
    async deliver({ shown, ...body }, epoch) {
      let answer, told;
      try {
        answer = await this.request("api/chat", {
          method: "POST", body: JSON.stringify(body), signal: AbortSignal.timeout?.(SEND_LIMIT_MS),
        });
        if (answer.status >= 500) throw new Error(answer.status);
        told = await answer.json().catch((error) => { if (answer.ok) throw error; });
      } catch {
        this.trouble("send", "reconnecting");
        return 0;
      }
      if (epoch !== this.epoch) return true;
      if (answer.status === 429) {
        this.trouble("send", "too_fast");
        return Number(answer.headers.get("Retry-After")) || 5;
      }
      this.trouble("send");
      this.queue.shift();
      if (answer.ok) this.token = told.token ?? this.token;
      this.remember();
      if (answer.ok) {
        this.owner.answered(told, body);
        this.listen();
      } else if (this.isLost(answer)) this.owner.lost(body);
      else this.owner.refused(body, told?.error);
      return true;
    }

    isLost(answer) { return Boolean(this.token) && [401, 403, 404, 410].includes(answer.status); }

    /** The conversation so far; null when the server does not know it. */
    async recall() {
      for (let wait = 1, { epoch } = this; epoch === this.epoch; wait = Math.min(wait * 2, LONGEST_WAIT_S)) {
        try {
          const answer = await this.request("api/chat");
          if (this.isLost(answer)) return null;
          if (!answer.ok) throw new Error(answer.status);
          const told = await answer.json();
          this.trouble("send");
          return told;
        } catch {
          this.trouble("send", "reconnecting");
          await pause(wait);
        }
      }
    }

    async listen() {
      if (this.stream || !this.token) return;
      const stream = this.stream = new AbortController();
      for (let wait = 1; this.stream === stream; ) {
        try {
          const path = `api/chat/events?after=${this.seq}`;
          const answer = await this.request(path, { signal: stream.signal });
          if (this.isLost(answer)) break;
          if (!answer.ok) throw new Error(answer.status);
          this.trouble("events");
          wait = 1;
          await this.read(answer.body, stream);
        } catch {
          if (this.stream === stream) this.trouble("events", "reconnecting");
        }
        if (this.stream === stream) await pause(wait * (0.7 + 0.6 * Math.random()));
        wait = Math.min(wait * 2, LONGEST_WAIT_S);
      }
    }

    async read(body, stream) {
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ; ) {
        const silence = setTimeout(() => reader.cancel(), SILENCE_LIMIT_MS);
        const { value, done } = await reader.read();
        clearTimeout(silence);
        if (done || this.stream !== stream) return;
        const events = (rest + value.replaceAll("\r", "")).split("\n\n");
        rest = events.pop();
        events.forEach((event) => this.hear(event));
      }
    }

    hear(event) {
      const field = (name) => event.split("\n").filter((line) => line.startsWith(`${name}:`))
        .map((line) => line.slice(name.length + 1).replace(/^ /, "")).join("\n");
      const data = field("data");
      if (!data) return; // a comment that keeps the line open
      if (field("event") === "typing") this.owner.dots(true);
      else if (field("event") === "state") this.owner.stateIs(JSON.parse(data));
      else this.owner.heard([JSON.parse(data)]);
    }

    trouble(where, what) {
      this.troubles.delete(where);
      if (what) this.troubles.add(where);
      if (this.owner.status) this.owner.troubled(what ?? (this.troubles.size ? "reconnecting" : null));
    }
  }

  /** An element. Strings become text nodes: nothing given here is read as HTML. */
  const make = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") made.addEventListener(name, value);
      else if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child != null));
    return made;
  };

  const icon = (path) => {
    const [svg, line] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  };

  const CROSS = "M6 6l12 12M18 6L6 18";
  const BUBBLE = "M4 5h16v11H10l-5 4v-4H4z";
  const ALLOWED = new Set("P UL OL LI STRONG EM A H3 H4 DETAILS SUMMARY SPAN BR".split(" "));

  /**
   * The server's HTML as nodes. It is safe because the server renders it from reviewed Markdown with raw HTML off, and
   * escapes what enquirers and advisers typed. Should that ever fail, only the tags of the contract and plain links pass
   * here; a template's content is inert, so nothing loads or runs while it is looked through.
   */
  const safe = (html, newTab) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    for (const node of template.content.querySelectorAll("*")) {
      if (!ALLOWED.has(node.tagName)) { node.replaceWith(node.textContent); continue; }
      for (const { name, value } of [...node.attributes]) {
        const good = name === "href" ? /^(https?:|tel:|mailto:|sms:)/i.test(value) : /^(class|lang|dir|open|start)$/.test(name);
        if (!good) node.removeAttribute(name);
      }
      const href = node.getAttribute("href") ?? "";
      if (/^http/i.test(href)) {
        if (node.textContent === href) node.textContent = node.hostname.replace(/^www\./, ""); // an address in full is hard to read
        node.target = "_blank";
        node.rel = "noopener noreferrer";
        node.append(make("span", { class: "hidden" }, ` ${newTab}`));
      }
    }
    return template.content;
  };

  const kindOf = (type = "") => ({ image: "photo", video: "video", audio: "voice" })[type.split("/")[0]] ?? "document";

  class FirstlineChat extends HTMLElement {
    async connectedCallback() {
      if (this.shadowRoot || this.starting) return;
      this.starting = true;
      this.onPage = this.hasAttribute("page");
      const asked = new URLSearchParams(this.onPage ? location.search : "");
      this.flow = asked.get("flow") ?? this.getAttribute("flow") ?? settings.flow;
      this.ref = asked.get("ref") ?? this.getAttribute("ref") ?? settings.ref;
      this.language = kept.read().lang ?? (this.lang || settings.lang || document.documentElement.lang || "en").slice(0, 2);
      this.forget();
      this.line = new Line(this);
      this.sizes = new ResizeObserver(() => this.hint());
      const sheet = new CSSStyleSheet();
      const [look] = await Promise.all([this.fetched("static/widget.css"), this.learn(this.language)]);
      sheet.replaceSync(look);
      this.attachShadow({ mode: "open" });
      this.shadowRoot.adoptedStyleSheets = [sheet];
      this.build();
      this.listenAround();
      if (this.onPage) this.start();
      else if (this.line.token) { this.start(); if (kept.read().open) this.toggle(true, false); }
    }

    forget() {
      this.seen = new Set();
      this.list = make("ol");
      this.state = { speaker: "bot", commands: [], service: {} };
      this.choices = null;
      this.unread = 0;
    }

    /** Gets a file, however long it takes: until then the page's own form serves. */
    async fetched(path) {
      for (let wait = 1; ; wait = Math.min(wait * 2, LONGEST_WAIT_S)) {
        try {
          const answer = await fetch(new URL(path, base), { credentials: "omit" });
          if (answer.ok) return await answer.text();
        } catch { /* no connection */ }
        await pause(wait);
      }
    }

    async learn(language) {
      const given = document.getElementById("firstline-strings");
      const strings = given?.lang === language ? given.textContent : await this.fetched(`api/chat/strings?lang=${language}`);
      this.strings = JSON.parse(strings);
    }

    words(key, values = {}) {
      const { name = "" } = this.state.service ?? {};
      return (this.strings[key] ?? "").replace(/\{(\w+)\}/g, (_, word) => ({ service: name, ...values })[word] ?? "").trim();
    }

    build() {
      const word = (key) => this.words(key);
      const draft = this.field?.value ?? "";
      this.log = make("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": word("log"), tabindex: "0", scroll: () => this.hint() },
        this.list, this.typing = make("p", { class: "typing", hidden: true, "aria-hidden": "true" }, "•••"));
      this.banner = make("div", { class: "banner", role: "status", hidden: true });
      this.status = make("p", { class: "status", role: "status" });
      this.below = make("button", { class: "below", type: "button", hidden: true, click: () => this.toLatest() }, word("new_below"));
      this.commands = make("div", { class: "commands", role: "group", "aria-label": word("commands") });
      this.field = make("textarea", {
        id: "field", rows: "1", maxlength: 4_000, enterkeyhint: "send", autocomplete: "off", dir: "auto",
        "aria-describedby": "notice", placeholder: word("message"),
        input: () => { this.grow(); this.tellTyping(); }, keydown: (event) => this.typed(event),
      });
      this.field.value = draft;
      this.form = make("form", { submit: (event) => { event.preventDefault(); this.sendText(); } },
        make("p", { id: "notice", class: "notice" }, word("notice")),
        make("label", { for: "field", class: "hidden" }, word("message")),
        make("div", { class: "write" }, this.field, make("button", { class: "send" }, word("send"))));
      this.again = make("div", { class: "again", hidden: true }, make("p", {}, word("ended")),
        make("button", { type: "button", click: () => this.startNew() }, word("start_new")));
      this.heading = make("h2", { id: "title", class: this.onPage && "hidden" });
      const close = make("button", { type: "button", class: "close", "aria-label": word("close"), click: () => this.toggle(false) }, icon(CROSS));
      const head = make("div", { class: "head" }, this.heading, this.onPage ? null : close);
      const urgent = this.onPage ? null : make("div", { class: "urgent" }, // the page has its own
        make("p", {}, `${word("danger_question")} `, make("a", { href: "tel:999" }, word("danger_call"))),
        make("a", { href: word("exit_url"), rel: "noreferrer", click: (event) => { event.preventDefault(); this.leave(); } }, word("exit")));
      const wasOpen = this.panel && !this.panel.hidden;
      this.panel = make(this.onPage ? "section" : "div", {
        class: "panel", role: this.onPage ? null : "dialog", "aria-labelledby": "title", tabindex: "-1",
        lang: this.language, hidden: !this.onPage && !wasOpen, keydown: (event) => this.keyed(event),
        paste: (event) => this.refuseFiles(event, event.clipboardData), scroll: () => this.hint(),
      }, head, urgent, this.banner, this.log, this.below, make("div", { class: "foot" }, this.status, this.commands, this.form, this.again));
      this.badge = make("b");
      this.launcher = make("button", {
        type: "button", class: "launcher", "aria-expanded": "false", lang: this.language,
        hidden: this.onPage || wasOpen, click: () => this.toggle(true),
      }, icon(BUBBLE), this.badge, word("launcher"));
      this.shadowRoot.replaceChildren(this.panel, this.launcher);
      this.sizes.disconnect();
      this.sizes.observe(this.log);
      this.sizes.observe(this.list);
      this.drawn = null;
      this.draw();
    }

    listenAround() {
      const around = this.onPage ? window : this.panel.getRootNode();
      for (const kind of ["dragover", "drop"]) {
        around.addEventListener(kind, (event) => this.refuseFiles(event, event.dataTransfer));
      }
      document.addEventListener("visibilitychange", () => { if (!document.hidden) this.markUnread(0); });
      addEventListener("scroll", () => this.hint(), { passive: true });
      if (!this.onPage) return;
      let presses = [];
      addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || event.repeat) return;
        presses = [...presses.filter((at) => event.timeStamp - at < 2000), event.timeStamp];
        if (presses.length === 3) this.leave();
      });
      for (const link of document.querySelectorAll("[data-firstline-exit]")) {
        link.title = this.words("exit_hint");
        link.addEventListener("click", (event) => { event.preventDefault(); this.leave(link.href); });
      }
    }

    /** Away at once; nothing stays in this tab, and "back" does not return. */
    leave(address = this.words("exit_url")) {
      this.line.renew();
      kept.clear();
      document.body.hidden = true;
      location.replace(address);
    }

    toggle(open, focus = true) {
      this.panel.hidden = !open;
      this.launcher.hidden = open;
      this.launcher.setAttribute("aria-expanded", open);
      kept.write({ open });
      if (open) this.markUnread(0);
      if (open && !this.started) this.start();
      if (focus) (open ? this.panel : this.launcher).focus();
      if (open) this.toLast();
    }

    keyed(event) {
      if (event.key !== "Escape") return;
      const menu = this.more?.getAttribute("aria-expanded") === "true";
      if (menu) { this.openMenu(false); this.more.focus(); } else if (!this.onPage) this.toggle(false);
    }

    // -- what the enquirer does

    async start() {
      this.started = true;
      if (!this.line.token) {
        if (!this.line.queue.length) this.line.say({ open: true, flow: this.flow, ref: this.ref, lang: this.language });
        else this.resend();
        return;
      }
      const told = await this.line.recall();
      if (told === undefined) return;
      if (!told?.messages.length) return this.lost(this.line.queue[0]); // unknown there, or all its words were deleted
      this.stateIs(told.state);
      this.heard(told.messages, true);
      this.toLast();
      this.resend();
      this.line.listen();
    }

    resend() {
      for (const item of this.line.queue) if (item.shown) this.showOwn(item);
      this.line.pump();
    }

    startNew() {
      kept.write({ token: null, fresh: undefined, queue: [] });
      this.line.renew();
      this.forget();
      this.build();
      this.start();
      this.log.focus();
    }

    send(body, shown) {
      this.stale = !body.command; // the question stays open behind a command
      return this.showOwn(this.line.say({ ...body, shown }));
    }

    sendText() {
      const text = this.field.value.trim();
      if (!text) return this.field.focus();
      this.field.value = "";
      this.grow();
      this.send({ text }, text);
      this.field.focus();
    }

    press(choice) {
      this.dropChoices();
      this.send({ token: choice.token }, choice.title).focus({ preventScroll: true });
    }

    command({ intent, title }) {
      this.openMenu(false);
      if (this.state.ended) this.startNew();
      this.send({ command: intent }, title);
    }

    typed(event) {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.sendText();
    }

    grow() {
      this.field.style.height = 0;
      this.field.style.height = `${this.field.scrollHeight + 2}px`;
    }

    /** Only that somebody types, never what. */
    tellTyping() {
      if (this.state.speaker !== "adviser" || Date.now() - this.told < 3_000) return;
      this.told = Date.now();
      this.line.request("api/chat/typing", { method: "POST" }).catch(() => {});
    }

    dots(on) {
      clearTimeout(this.dotsEnd);
      const wasNearEnd = on && this.isNearEnd();
      this.typing.hidden = !on;
      if (wasNearEnd) this.log.scrollTop = this.log.scrollHeight;
      if (on) this.dotsEnd = setTimeout(() => this.dots(), 6_000);
    }

    /** Files stay on the device: only their kind is told, and the server answers. */
    refuseFiles(event, carried) {
      if (!carried || ![...carried.types].includes("Files")) return;
      event.preventDefault();
      if (event.type === "dragover") { carried.dropEffect = "none"; return; }
      const file = [...carried.items].find((item) => item.kind === "file");
      this.send({ media: kindOf(file?.type) }, this.words("file_refused"));
    }

    async saveRecord() {
      this.openMenu(false);
      this.more.focus();
      try {
        const answer = await this.line.request("api/chat/record?format=html");
        if (!answer.ok) throw new Error(answer.status);
        const address = URL.createObjectURL(await answer.blob());
        make("a", { href: address, download: `${this.words("record_file")}.html` }).click();
        setTimeout(() => URL.revokeObjectURL(address), 10_000);
      } catch { this.status.textContent = this.words("no_record"); }
    }

    // -- what the server says

    answered({ messages, state }, item) {
      const line = this.ownLine(item);
      const mine = messages.find((message) => message.from === "you");
      if (line) this.settle(line, mine);
      else if (mine) this.heard([mine]);
      if (state.ended && item.command === "stop") this.erase();
      this.stateIs(item.command === "switch_language" ? { lang: messages.at(-1)?.lang, ...state } : state);
      this.heard(messages.filter((message) => message !== mine), false, true);
    }

    ownLine({ id }) { return this.list.querySelector(`[data-id="${id}"]`); }

    settle(line, mine) {
      line.classList.remove("waiting");
      line.querySelector(".note")?.remove();
      if (!mine) return;
      if (mine.seq != null && this.seen.has(mine.seq) && line.dataset.seq !== String(mine.seq)) { line.remove(); return; }
      this.adopt(line, mine);
    }

    /** The server's copy replaces what was shown: names are masked in it. */
    adopt(line, message) {
      line.dataset.seq = message.seq ?? "";
      line.querySelector(".said").replaceChildren(safe(message.html, this.words("new_tab")));
      this.counted(message);
    }

    counted({ seq }) {
      if (seq == null) return;
      this.seen.add(seq);
      this.line.seq = Math.max(this.line.seq, seq);
    }

    /** Stopped and deleted: the words leave the screen and this tab too. */
    erase() {
      this.list.replaceChildren();
      this.seen.clear();
      this.line.renew();
      kept.clear();
    }

    refused(item, error) {
      const line = this.ownLine(item);
      const why = error?.message || this.words("refused");
      if (!line) { this.status.textContent = why; return; }
      this.settle(line);
      const { id, ...body } = item;
      const again = () => { line.remove(); this.send(body, line.querySelector(".said").textContent).focus(); };
      line.append(make("p", { class: "note" }, why, " ", make("button", { type: "button", click: again }, this.words("try_again"))));
    }

    lost({ text } = {}) {
      this.startNew();
      this.list.append(this.lineFor("firstline", this.words("lost")));
      if (text && !this.field.value) this.field.value = text;
    }

    troubled(what) {
      this.trouble = what;
      const words = what ? this.words(what) : "";
      if (this.status.textContent !== words) this.status.textContent = words;
      for (const line of this.list.querySelectorAll(".waiting")) {
        if (what && !line.querySelector(".note")) line.append(make("p", { class: "note" }, this.words("unsent")));
      }
    }

    heard(messages, quiet = false, answer = this.line.queue.length > 0) {
      const near = this.isNearEnd();
      const fresh = messages.map((message) => this.show(message, quiet)).filter(Boolean);
      if (!fresh.length) return;
      this.dots();
      this.announce(messages.at(-1));
      if (quiet) return;
      const fromAdviser = messages.some((message) => message.from === "adviser");
      if (fromAdviser && (document.hidden || this.panel.hidden)) this.markUnread(this.unread + 1);
      if (near || !fromAdviser) this.reveal((answer && [...this.list.querySelectorAll(".you")].at(-1)) || fresh[0]); // what they said, with its answer
    }

    stateIs(state) {
      if (!state) return;
      this.state = { ...this.state, ...state };
      const language = this.state.lang;
      if (language && language !== this.language) this.speak(language);
      this.draw();
      this.announce();
    }

    async speak(language) {
      this.language = language;
      kept.write({ lang: language });
      await this.learn(language);
      this.build();
      if (!this.panel.hidden) this.log.focus({ preventScroll: true });
      this.toLast();
    }

    /** Tells the page around us: numbers and states, never words. */
    announce(message) {
      const { speaker, reference, ended } = this.state;
      const detail = { seq: message?.seq ?? this.line.seq, from: message?.from ?? null, speaker, reference, ended };
      this.dispatchEvent(new CustomEvent("firstline:step", { bubbles: true, composed: true, detail }));
    }

    // -- drawing

    show(message, quiet) {
      if (message.seq != null && this.seen.has(message.seq)) return null;
      const own = message.from === "you" && !quiet && this.list.querySelector(".you.waiting:not([data-seq])");
      if (own) { this.adopt(own, message); return null; }
      this.counted(message);
      const line = this.lineFor(message.from, safe(message.html, this.words("new_tab")), message);
      const later = message.seq == null ? null : [...this.list.children].find((other) => Number(other.dataset.seq) > message.seq);
      this.list.insertBefore(line, later ?? null);
      if (message.from === "you" ? quiet : this.stale || message.choices?.length) {
        this.dropChoices();
        this.stale = false;
      }
      if (message.choices?.length) line.append(this.choicesFor(message.choices));
      return line;
    }

    lineFor(from, said, { lang, at, seq } = {}) {
      const adviser = from === "adviser";
      const label = make("span", { class: adviser ? "who" : "hidden" }, this.words(`said_${from}`) + " ");
      if (adviser && at) label.append(make("time", { datetime: at }, new Date(at).toLocaleTimeString([], { timeStyle: "short" })));
      return make("li", { class: from, "data-seq": seq }, label, make("div", { class: "said", dir: "auto", lang }, said));
    }

    showOwn({ id, shown }) {
      const line = this.lineFor("you", shown);
      line.classList.add("waiting");
      line.dataset.id = id;
      line.tabIndex = -1;
      this.list.append(line);
      this.reveal(line);
      if (this.trouble) this.troubled(this.trouble);
      return line;
    }

    choicesFor(choices) {
      const buttons = choices.map((choice) =>
        make("button", { type: "button", dir: "auto", click: () => this.press(choice) }, choice.title));
      return this.choices = make("div", { class: "choices", role: "group", "aria-label": this.words("choices") }, ...buttons);
    }

    dropChoices() {
      const focused = this.choices?.contains(this.shadowRoot.activeElement);
      this.choices?.remove();
      this.choices = null;
      if (focused) this.log.focus({ preventScroll: true });
    }

    draw() {
      const { speaker, reference, ended, service, commands } = this.state;
      this.heading.textContent = service?.name || this.words("launcher");
      const words = { waiting: this.words("waiting"), adviser: this.words("talking") }[speaker];
      const about = reference ? this.words("reference", { reference }) : "";
      const banner = [words, about].filter(Boolean).join(". ");
      if (this.banner.textContent !== banner) this.banner.textContent = banner;
      this.banner.hidden = !banner;
      this.banner.className = `banner ${speaker}`;
      if (speaker !== "bot" || ended) this.dropChoices();
      this.form.hidden = Boolean(ended);
      this.again.hidden = !ended;
      const useful = (commands ?? []).filter(({ intent }) => speaker === "bot" || ended || WITH_PEOPLE.includes(intent));
      const drawn = JSON.stringify([useful, ended]);
      if (drawn !== this.drawn) this.drawCommands(useful, ended);
      this.drawn = drawn;
    }

    drawCommands(commands, ended) {
      const focused = this.shadowRoot.activeElement?.dataset?.intent;
      const button = (command) => make("button", {
        type: "button", "data-intent": command.intent, class: command.intent === "danger_now" && "danger", click: () => this.command(command),
      }, command.title);
      const save = make("button", { type: "button", click: () => this.saveRecord() }, this.words("save_record"));
      const first = FIRST_COMMANDS.map((intent) => commands.find((command) => command.intent === intent)).filter(Boolean);
      // "Back" is in both places: the style shows one, by the width
      const others = commands.filter(({ intent }) => intent === "back" || !FIRST_COMMANDS.includes(intent))
        .flatMap((command) => [...(ended ? [] : [button(command)]), ...(command.intent === "record" && this.line.token ? [save] : [])]);
      this.menu = make("div", { class: "menu", id: "menu", role: "group", "aria-label": this.words("more"), hidden: true },
        ...others);
      this.more = make("button", {
        type: "button", "data-intent": "more", "aria-expanded": "false", "aria-controls": "menu", click: () => this.openMenu(this.menu.hidden),
      }, this.words("more"));
      this.commands.replaceChildren(...(ended ? first.slice(0, 1) : first).map(button), ...(this.menu.childElementCount ? [this.more, this.menu] : []));
      this.commands.onfocusout = ({ relatedTarget }) => {
        if (relatedTarget && !this.commands.contains(relatedTarget)) this.openMenu(false);
      };
      if (focused) this.commands.querySelector(`[data-intent="${focused}"]`)?.focus();
    }

    openMenu(open) {
      const held = this.menu.contains(this.shadowRoot.activeElement);
      this.menu.hidden = !open;
      this.more.setAttribute("aria-expanded", open);
      if (held && !open) this.more.focus();
    }

    markUnread(count) {
      this.unread = count;
      this.badge.textContent = count ? `(${count}) ` : "";
      document.title = this.badge.textContent + document.title.replace(/^\(\d+\) /, "");
    }

    // -- scrolling: new lines are brought into view, the focus stays where it is

    isNearEnd() { return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 120; }

    reveal(line) {
      const scrolls = getComputedStyle(this.log).overflowY === "auto";
      if (!scrolls) line.scrollIntoView({ block: "nearest" });
      else this.log.scrollTop += line.getBoundingClientRect().top - this.log.getBoundingClientRect().top - 12;
    }

    /** To the start of the last message, so that its question is read before its choices. */
    toLast() { if (this.list.lastElementChild) this.reveal(this.list.lastElementChild); }

    /** What comes next: the open question's first choice, or the last message. */
    latest() {
      const last = this.list.lastElementChild;
      return last?.contains(this.choices) ? this.choices.firstChild : last;
    }

    /** Says that there is more below, for as long as what comes next is out of sight there. */
    hint() {
      const { top = 0, height = 0 } = this.latest()?.getBoundingClientRect() ?? {};
      const end = Math.min(this.log.getBoundingClientRect().bottom, innerHeight);
      this.below.hidden = top + Math.min(height, 44) <= end;
    }

    toLatest() {
      const last = this.list.lastElementChild;
      const whole = last.offsetHeight <= Math.min(this.log.clientHeight, innerHeight);
      (whole ? last : this.latest()).scrollIntoView({ block: "nearest" });
      (last.contains(this.choices) ? this.choices.firstChild : this.log).focus({ preventScroll: true });
    }
  }

  customElements.define("firstline-chat", FirstlineChat);
  if (!document.querySelector("firstline-chat")) document.body.append(document.createElement("firstline-chat"));
})();
