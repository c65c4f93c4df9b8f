// The only script of the plugin on every page: loads the module where it is needed, and holds what cannot wait for it.
const { rcmail } = window;
const env = rcmail?.env.tls_guarantee;

/** How long Send waits for the module, then for what it says, and for that after a person has answered, in milliseconds. */
const PATIENCE = { loading: 3000, judging: 7000, doing: 10000 };
const HANDED_OVER = "tls_guarantee.sent";

let asking = false;
/** Whether a person was asked since Send was pressed. */
let asked = false;
/** The toast while Send waits. */
let waiting = null;

/** What this script and the module tell each other. */
const bridge = {
  /** What was sent, oldest first; the module takes it out. */
  sent: [],
  /** Set by the module: called when there is more in `sent`. */
  onsent: null,
  /** Set by the module: travels with what is sent next. */
  note: null,
  /** Set by the module: may the mail be sent now? */
  guard: null,
  /** Set by the module while it asks a person, who may take their time. */
  get asking() { return asking; },
  set asking(is) {
    asking = is;
    asked ||= is;
    if (is) rcmail.hide_message(waiting);
  },
  /** Where a part of the module lies. */
  part: (name) => `${env.wasm}&_part=${name}`,
  /** Sends the mail under this Message-ID (without angle brackets). */
  messageId(id) {
    const form = rcmail.gui_objects.messageform;
    let field = form.elements._tls_guarantee_message_id;
    if (!field) {
      field = document.createElement("input");
      field.type = "hidden";
      field.name = "_tls_guarantee_message_id";
      form.append(field);
    }
    field.value = id ?? "";
  },
};

let module = null;
/** Loads the module and starts it, once. */
const start = () => module ??= import(`./module/tls_guarantee.js?${env.version}`)
  .then(({ default: init, start }) => init({ module_or_path: env.wasm }).then(start));
const startQuietly = () => start().catch((error) => console.error("tls_guarantee:", error));

const idly = (work) => (window.requestIdleCallback ? requestIdleCallback(work, { timeout: 3000 }) : setTimeout(work, 500));
const after = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// ---- What was sent, from the page that sent it to the one that is shown next ----

const receive = (sent) => {
  bridge.sent.push(sent);
  startQuietly();
  bridge.onsent?.();
};

/** The page that a composer in a window of its own was opened from, if it is still the same account's. */
const opener = () => {
  try {
    const page = rcmail.env.extwin && window.opener?.rcmail;
    return page?.env.tls_guarantee?.account === env.account ? page : null;
  } catch { return null; }
};

const handOver = ({ event, ...data }) => {
  if (env.place !== "compose") return receive(data);
  const sent = { ...data, account: env.account, note: bridge.note };
  const page = opener();
  if (page) return page.triggerEvent("plugin.tls_guarantee.sent", sent);
  try { sessionStorage.setItem(HANDED_OVER, JSON.stringify(sent)); } catch { /* then nobody is reminded */ }
};

const takeOver = () => {
  try {
    const sent = JSON.parse(sessionStorage.getItem(HANDED_OVER));
    sessionStorage.removeItem(HANDED_OVER);
    // Another account may have logged in since.
    if (sent?.account === env.account) receive(sent);
  } catch { /* nothing was handed over */ }
};

// ---- Send ----

/**
 * Whether the mail may be sent now: yes, if there is nobody to ask or no answer. Once a person was asked, it is only sent
 * as they have said.
 */
const mayBeSent = async () => {
  await Promise.race([startQuietly(), after(PATIENCE.loading)]);
  if (!bridge.guard) return true;
  asked = false;
  const tooLong = async () => {
    await after(PATIENCE.judging);
    if (!asked) return true;
    do await after(PATIENCE.doing); while (asking);
    return false;
  };
  return Promise.race([bridge.guard(), tooLong()]).catch(() => !asked);
};

let held = false;
let released = false;
const holdSend = (props) => {
  if (released) return;
  if (held) return false;
  // Roundcube's own questions come first; it asks them once more where this script has no say.
  if (!props?.nocheck && !rcmail.env.is_sent && !rcmail.check_compose_input("send")) return false;
  held = true;
  waiting = rcmail.display_message(rcmail.get_label("loading"), "loading");
  mayBeSent().then((yes) => {
    rcmail.hide_message(waiting);
    held = false;
    released = yes;
    if (yes) rcmail.command("send", { nocheck: true });
    released = false;
  });
  return false;
};

// ---- Where the module is needed ----

const places = {
  settings: startQuietly,
  message() {
    if (env.message?.may_be_report || env.message?.sent) startQuietly();
    // The page around the preview has its own.
    else if (!rcmail.is_framed()) idly(startQuietly);
  },
  page() {
    idly(startQuietly);
  },
  filters() {
    idly(startQuietly);
  },
  list() {
    takeOver();
    idly(startQuietly);
  },
  compose() {
    rcmail.addEventListener("beforesend", holdSend);
    idly(startQuietly);
  },
};

if (env?.place) {
  window.tls_guarantee = bridge;
  rcmail.addEventListener("plugin.tls_guarantee.sent", handOver);
  // Modules run before Roundcube has set up the page.
  rcmail.addEventListener("init", () => places[env.place]());
}
