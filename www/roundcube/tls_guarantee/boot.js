// The only script of the plugin on every page: loads the module where it is needed, and holds what cannot wait for it.
const { rcmail } = window;
const env = rcmail?.env.tls_guarantee;

/** How long Send waits for the module, then for what it says, for that after a person has answered, and for what Roundcube does meanwhile, in milliseconds. */
const PATIENCE = { loading: 3000, judging: 7000, doing: 10000, busy: 10000 };
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
  /** Kept by the module: whether the server has to know what the user wants of this mail, before it is sent. */
  bound: false,
  /** Changes with each press of Send and with its end: what the module has to say to an earlier one comes too late. */
  turn: 0,
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

/** What the module says: whether the mail may be sent now; `null` if there is nobody to ask, or no answer. */
const judge = async () => {
  await Promise.race([startQuietly(), after(PATIENCE.loading)]);
  if (!bridge.guard) return null;
  const tooLong = async () => {
    await after(PATIENCE.judging);
    if (asked) do await after(PATIENCE.doing); while (asking);
    return null;
  };
  try {
    return await Promise.race([bridge.guard(), tooLong()]);
  } catch (error) {
    console.error("tls_guarantee:", error);
    return null;
  }
};

/** Waits until Roundcube takes commands, which it drops without a word while it is busy; answers whether it does. */
const idle = async () => {
  const end = Date.now() + PATIENCE.busy;
  while (rcmail.busy && Date.now() < end) await after(50);
  return !rcmail.busy;
};

let held = false;
let released = false;
const holdSend = (props) => {
  if (released) return;
  if (held) return false;
  // Roundcube's own questions come first; it asks them once more where this script has no say.
  if (!props?.nocheck && !rcmail.env.is_sent && !rcmail.check_compose_input("send")) return false;
  held = true;
  asked = false;
  bridge.turn += 1;
  waiting = rcmail.display_message(rcmail.get_label("loading"), "loading");
  decide().then((complaint) => {
    held = false;
    rcmail.hide_message(waiting);
    if (complaint) rcmail.display_message(rcmail.get_label(complaint, "tls_guarantee"), "error");
  });
  return false;
};

/**
 * Sends the mail, or answers why it does not; `undefined` too if the module has said so itself. Without an answer of the
 * module the mail is sent, unless that would be without what the user has chosen for it.
 */
const decide = async () => {
  const said = await judge();
  bridge.turn += 1;
  if (said === false) return;
  const isIdle = await idle();
  if (said === null) {
    if (asked || bridge.bound) return "notsent";
    bridge.messageId(null);
  }
  if (!isIdle) return "notsentbusy";
  rcmail.hide_message(waiting);
  released = true;
  try { rcmail.command("send", { nocheck: true }); } finally { released = false; }
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
