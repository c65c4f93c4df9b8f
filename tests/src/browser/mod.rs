//! A real browser: Debian's Chromium over WebDriver, one for each test, closed when the test ends however it ends.

mod axe;
mod chromedriver;
mod element;
mod tree;

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::error::{WebDriverError, WebDriverResult};
use thirtyfour::{BrowserLogEntry, Capabilities, Key, WebDriver, WindowHandle};
use tokio::runtime::{Builder, Runtime};

use chromedriver::Chromedriver;
pub use element::{Element, Name, Role};
pub use tree::Node;

type Outcome<T> = WebDriverResult<T>;

/// How long anything on the page may take. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// So many of the waits before a failure are shown.
const LAST_WAITS: usize = 30;

/// How often the page is looked at while something is waited for.
const STEP: Duration = Duration::from_millis(50);

/// Flags of `facts/toolchain.md`: as root, without a display, without calls home.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    // Else the logs would say nothing of what the frames with HTML mail ask for and complain about.
    "--disable-features=IsolateSandboxedIframes",
];

/// The screen that a person looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// 1280 x 900.
    Desktop,
    /// 360 x 740, with touch.
    SmallPhone,
    /// 390 x 844, with touch.
    Phone,
}

impl Screen {
    /// Width and height of a phone, in CSS pixels.
    fn phone(self) -> Option<(u32, u32)> {
        match self {
            Self::Desktop => None,
            Self::SmallPhone => Some((360, 740)),
            Self::Phone => Some((390, 844)),
        }
    }
}

/// Whether a person has their screens light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shade {
    /// Dark letters on light ground.
    Light,
    /// Light letters on dark ground.
    Dark,
}

/// How a browser is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The person's language, as `de` or `en-US`.
    pub language: &'static str,
    /// Their screen.
    pub screen: Screen,
    /// What they told their system.
    pub shade: Shade,
}

/// One of a browser's tabs.
#[derive(Clone, Debug)]
pub struct Tab(WindowHandle);

/// A browser with one page.
pub struct Browser {
    // In this order: the session ends before what carries it.
    session: Option<WebDriver>,
    runtime: Runtime,
    _driver: Chromedriver,
    web: String,
    setting: Setting,
    name: String,
    shots: Cell<u32>,
    started: Instant,
    /// What was waited for, since when and how long: a failure on another machine has little else to be told from.
    waits: RefCell<Vec<String>>,
}

impl Browser {
    /// Starts a browser for the webmail at `web` (with a `/` at its end); its pictures are named after `name`. `None`,
    /// said so, if there is no browser or no page on this machine.
    ///
    /// # Panics
    /// When the browser is there and does not start.
    pub fn start(name: &str, web: &str, setting: Setting) -> Option<Self> {
        if !target().join("www/index.html").is_file() {
            println!("not run: page not built");
            return None;
        }
        // What a failure before left behind.
        let _ = std::fs::remove_file(pictures().join(format!("failed-{name}.png")));
        let Some(driver) = Chromedriver::start() else {
            println!("not run: no chromium");
            return None;
        };
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let capabilities = capabilities(&driver, setting);
        let session = runtime.block_on(WebDriver::new(driver.url(), capabilities)).expect("a browser");
        let browser = Self {
            session: Some(session),
            runtime,
            _driver: driver,
            web: web.to_owned(),
            setting,
            name: name.to_owned(),
            shots: Cell::new(0),
            started: Instant::now(),
            waits: RefCell::default(),
        };
        browser.show();
        Some(browser)
    }

    fn driver(&self) -> &WebDriver {
        self.session.as_ref().expect("a session until the end")
    }

    fn run<T>(&self, action: impl Future<Output = T>) -> T {
        self.runtime.block_on(action)
    }

    /// How it was set up.
    pub fn setting(&self) -> Setting {
        self.setting
    }

    /// Goes to the webmail in the person's shade.
    fn show(&self) {
        self.prefer(&[]);
        self.open("/");
    }

    /// The person's shade, and what else they told their system, as the media features of CSS call it.
    ///
    /// # Panics
    /// When the browser does not answer.
    pub fn prefer(&self, more: &[(&str, &str)]) {
        let shade = match self.setting.shade {
            Shade::Light => "light",
            Shade::Dark => "dark",
        };
        let all = [("prefers-color-scheme", shade)].into_iter().chain(more.iter().copied());
        let features: Vec<Value> = all.map(|(name, value)| json!({ "name": name, "value": value })).collect();
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Goes to an address below the webmail's, from `/` on.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn open(&self, path: &str) {
        let url = format!("{}{}", self.web, path.trim_start_matches('/'));
        self.run(self.driver().goto(url)).expect("the page");
    }

    /// Opens the webmail in one more tab and looks at it.
    ///
    /// # Panics
    /// When the browser does not answer.
    pub fn open_tab(&self) -> Tab {
        let opened = self.run(async {
            let tab = self.driver().new_tab().await?;
            self.driver().switch_to_window(tab.clone()).await?;
            Ok::<_, WebDriverError>(tab)
        });
        self.show();
        Tab(opened.expect("a tab"))
    }

    /// The tab that is looked at.
    ///
    /// # Panics
    /// When the browser does not answer.
    pub fn tab(&self) -> Tab {
        Tab(self.run(self.driver().window()).expect("the tab"))
    }

    /// Looks at another tab.
    ///
    /// # Panics
    /// When it is not there any more.
    pub fn switch_to(&self, tab: &Tab) {
        self.run(self.driver().switch_to_window(tab.0.clone())).expect("the tab");
    }

    /// How many tabs and windows there are.
    ///
    /// # Panics
    /// When the browser does not answer.
    pub fn windows(&self) -> usize {
        self.run(self.driver().windows()).expect("the windows").len()
    }

    /// Looks at the window that has come beside this only one, as soon as it is there.
    ///
    /// # Panics
    /// When there is none in time.
    pub fn switch_to_new_window(&self, old: &Tab) {
        let new = self.until("a window", || {
            let all = self.run(self.driver().windows()).unwrap_or_default();
            all.into_iter().find(|window| *window != old.0)
        });
        self.switch_to(&Tab(new));
    }

    /// From now on, all that is looked for is within this frame.
    ///
    /// # Panics
    /// When it is no frame.
    pub fn enter(&self, frame: &Element<'_>) {
        self.run(frame.inner.clone().enter_frame()).expect("a frame");
    }

    /// From now on, all that is looked for is outside of any frame.
    ///
    /// # Panics
    /// When the browser does not answer.
    pub fn leave_frames(&self) {
        self.run(self.driver().enter_default_frame()).expect("the page");
    }

    /// Loads the page anew.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn reload(&self) {
        self.run(self.driver().refresh()).expect("the page");
    }

    /// The tab's title.
    pub fn title(&self) -> String {
        self.run(self.driver().title()).unwrap_or_default()
    }

    /// Looks again and again until `look` finds something.
    ///
    /// # Panics
    /// When it has not been found in time.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look() {
                let since = start.duration_since(self.started).as_millis();
                self.waits
                    .borrow_mut()
                    .push(format!("{since:6} ms: {what}, {} ms", start.elapsed().as_millis()));
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "{what}: not within {} s", PATIENCE.as_secs());
            thread::sleep(STEP);
        }
    }

    /// Those with this role and name, at this moment.
    pub fn all<'n>(&self, role: Role, name: impl Into<Name<'n>>) -> Vec<Element<'_>> {
        // An element may go while it is looked at: then there is none.
        self.run(element::find(self, None, role, name.into())).unwrap_or_default()
    }

    /// Whether there is one with this role and name now.
    pub fn has<'n>(&self, role: Role, name: impl Into<Name<'n>>) -> bool {
        !self.all(role, name).is_empty()
    }

    /// Waits for the one with this role and name.
    ///
    /// # Panics
    /// When there is none in time, or more than one: a name that two things have names neither.
    pub fn one<'n>(&self, role: Role, name: impl Into<Name<'n>>) -> Element<'_> {
        let name = name.into();
        let mut found = self.until(&format!("{role:?} {name:?}"), || {
            Some(self.all(role, name)).filter(|found| !found.is_empty())
        });
        assert!(found.len() == 1, "several {role:?} {name:?}: {}", element::names(&found));
        found.remove(0)
    }

    /// What is shown and has no name of its own, at this moment, by a selector of CSS: for pages that are not ours.
    pub fn nameless(&self, css: &str) -> Vec<Element<'_>> {
        self.run(element::shown(self, css)).unwrap_or_default()
    }

    /// Waits for the first such thing.
    ///
    /// # Panics
    /// When there is none in time.
    pub fn first(&self, css: &str) -> Element<'_> {
        self.until(css, || self.nameless(css).into_iter().next())
    }

    /// Presses the first such thing, as soon as it can be pressed.
    ///
    /// # Panics
    /// When it can't be pressed in time.
    pub fn press_first(&self, css: &str) {
        self.press_when_still(css, || self.first(css));
    }

    /// Waits until nothing has this role and name.
    ///
    /// # Panics
    /// When there still is something in the end.
    pub fn none<'n>(&self, role: Role, name: impl Into<Name<'n>>) {
        let name = name.into();
        self.until(&format!("no {role:?} {name:?}"), || (!self.has(role, name)).then_some(()));
    }

    /// Presses the one with this role and name, as soon as it can be pressed.
    ///
    /// # Panics
    /// When it can't be pressed in time.
    pub fn click<'n>(&self, role: Role, name: impl Into<Name<'n>>) {
        let name = name.into();
        self.press_when_still(&format!("{role:?} {name:?}"), || self.one(role, name));
    }

    fn press_when_still<'b>(&'b self, what: &str, find: impl Fn() -> Element<'b>) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = find();
            match self.run(async { element::still(self, &found.inner).await?.click().await }) {
                Ok(()) => return,
                // The page was just putting another in its place, or moving it: nobody can press that.
                Err(error) if is_moving(&error) && Instant::now() < deadline => thread::sleep(STEP),
                Err(error) => panic!("{what} can't be pressed: {error}"),
            }
        }
    }

    /// Types into the field of that name, in the place of what it holds.
    pub fn fill(&self, field: &str, text: &str) {
        self.click(Role::TextBox, field);
        self.fill_focused(text);
    }

    /// Types into the field that has the focus, in the place of what it holds.
    pub fn fill_focused(&self, text: &str) {
        self.select_all();
        self.press(Key::Delete);
        self.focused().type_text(text);
    }

    /// What the field of that name holds.
    pub fn value(&self, field: &str) -> String {
        self.one(Role::TextBox, field).value()
    }

    /// Waits until the field of that name holds this.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn expect_value(&self, field: &str, expected: &str) {
        self.expect_equal(&format!("the field {field}"), expected, || self.value(field));
    }

    /// Waits until both are equal.
    ///
    /// # Panics
    /// When they are not in time.
    pub fn expect_equal(&self, what: &str, expected: &str, mut look: impl FnMut() -> String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = look();
            if found == expected {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: {found:?} instead of {expected:?}");
            thread::sleep(STEP);
        }
    }

    fn select_all(&self) {
        self.press_with_control("a");
    }

    /// Presses a letter with Control held.
    ///
    /// # Panics
    /// When the browser does not answer.
    pub fn press_with_control(&self, letter: &str) {
        let keys = self.driver().action_chain().key_down(Key::Control).send_keys(letter).key_up(Key::Control);
        self.run(keys.perform()).expect("keys");
    }

    /// Presses a key, wherever the focus is.
    ///
    /// # Panics
    /// When the browser does not answer.
    pub fn press(&self, key: Key) {
        self.type_keys(&char::from(key).to_string());
    }

    /// Types, wherever the focus is.
    ///
    /// # Panics
    /// When the browser does not answer.
    pub fn type_keys(&self, text: &str) {
        self.run(self.driver().action_chain().send_keys(text).perform()).expect("keys");
    }

    /// What has the focus.
    ///
    /// # Panics
    /// When the browser does not answer.
    pub fn focused(&self) -> Element<'_> {
        Element::new(self, self.run(self.driver().active_element()).expect("the focused element"))
    }

    /// Chooses a file in the page's only chooser. The system's window for it is nothing a page can be asked about.
    ///
    /// # Panics
    /// When there is no chooser.
    pub fn choose_file(&self, path: &std::path::Path) {
        let chooser = thirtyfour::By::Css("input[type=file]");
        self.run(async { self.driver().find(chooser).await?.send_keys(path.display().to_string()).await })
            .expect("a chosen file");
    }

    /// All text that is shown.
    pub fn text(&self) -> String {
        self.script("return document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page shows these words.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn expect_text(&self, words: &str) {
        self.until(&format!("the words {words:?}"), || self.text().contains(words).then_some(()));
    }

    /// What a script finds out about the page.
    ///
    /// # Panics
    /// When it fails.
    pub fn script(&self, script: &str) -> Value {
        self.run(self.driver().execute(script, Vec::new())).expect("a script").json().clone()
    }

    /// A command of the browser's developer tools.
    ///
    /// # Panics
    /// When it fails.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.run(self.driver().cdp().send_raw(command, parameters)).expect("the developer tools")
    }

    /// Lets every call of addresses like these fail; with none, no more.
    pub fn block(&self, addresses: &[&str]) {
        self.devtools("Network.enable", &json!({}));
        self.devtools("Network.setBlockedURLs", &json!({ "urls": addresses }));
    }

    /// All addresses that were asked for since this was last called, by the page, its frames, or anything else.
    pub fn asked_for(&self) -> Vec<String> {
        let sent = |entry: BrowserLogEntry| {
            let event: Value = serde_json::from_str(&entry.message).ok()?;
            let event = &event["message"];
            let is_request = event["method"] == "Network.requestWillBeSent";
            is_request.then(|| event["params"]["request"]["url"].as_str().map(str::to_owned)).flatten()
        };
        self.log("performance").into_iter().filter_map(sent).collect()
    }

    /// What the browser complained about since this was last called: failed scripts, blocked content, and the like.
    /// That the first question of the page, whose session this is, is answered with 401 is no reason to complain.
    pub fn complaints(&self) -> Vec<String> {
        let is_expected = |entry: &BrowserLogEntry| {
            entry.message.contains("/api/v1/session - ") && entry.message.contains(" 401 ")
        };
        let is_bad =
            |entry: &BrowserLogEntry| matches!(&*entry.level, "SEVERE" | "WARNING") && !is_expected(entry);
        self.log("browser").into_iter().filter(is_bad).map(|entry| entry.message).collect()
    }

    fn log(&self, kind: &str) -> Vec<BrowserLogEntry> {
        self.run(self.driver().get_log(kind)).expect("the log")
    }

    /// Takes a picture into `target/screenshots`, and looks whether the page fits the screen's width.
    ///
    /// # Panics
    /// When it is wider than the screen.
    pub fn shot(&self, step: &str) {
        let number = self.shots.get() + 1;
        self.shots.set(number);
        self.finish_motion();
        self.picture(&format!("{}-{number:02}-{step}", self.name));
        let wider =
            self.script("const page = document.documentElement; return page.scrollWidth - page.clientWidth");
        assert!(
            wider.as_i64().is_some_and(|wider| wider <= 0),
            "{step}: {wider} pixels wider than the screen"
        );
    }

    /// Has all that is on its way arrive.
    fn finish_motion(&self) {
        self.script(
            "document.getAnimations().forEach(one => { try { one.finish() } catch { one.cancel() } })",
        );
    }

    fn picture(&self, name: &str) {
        let folder = pictures();
        std::fs::create_dir_all(&folder).expect("the folder for pictures");
        let picture = self.run(self.driver().screenshot(&folder.join(format!("{name}.png"))));
        if let Err(error) = picture {
            eprintln!("no picture {name}: {error}");
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if thread::panicking() {
            self.picture(&format!("failed-{}", self.name));
            let waits = self.waits.borrow();
            let last = &waits[waits.len().saturating_sub(LAST_WAITS)..];
            eprintln!("--- what was waited for before:\n{}", last.join("\n"));
            let shown = self.run(self.driver().execute("return document.body.innerText", Vec::new()));
            let shown = shown.ok().and_then(|shown| shown.json().as_str().map(str::to_owned));
            eprintln!("--- the page showed:\n{}\n---", shown.unwrap_or_default());
            let log = self.run(self.driver().get_log("browser")).unwrap_or_default();
            log.iter().for_each(|entry| eprintln!("{}: {}", entry.level, entry.message));
        }
        if let Some(session) = self.session.take() {
            let end = async { tokio::time::timeout(PATIENCE, session.quit()).await };
            // Whatever is left is ended by the driver's own end.
            let _ = self.runtime.block_on(end);
        }
    }
}

fn is_moving(error: &WebDriverError) -> bool {
    use thirtyfour::error::WebDriverErrorInner::{
        ElementClickIntercepted, ElementNotInteractable, StaleElementReference,
    };
    matches!(&**error, ElementClickIntercepted(_) | ElementNotInteractable(_) | StaleElementReference(_))
}

fn target() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "target"].iter().collect()
}

fn pictures() -> PathBuf {
    target().join("screenshots")
}

fn capabilities(driver: &Chromedriver, setting: Setting) -> Capabilities {
    let mut flags: Vec<String> = FLAGS.iter().map(|&flag| flag.to_owned()).collect();
    flags.push(format!("--user-data-dir={}", driver.profile().display()));
    flags.push(format!("--lang={}", setting.language));
    flags.push("--window-size=1280,900".to_owned());
    let mut options = json!({
        "args": flags,
        "prefs": { "intl.accept_languages": setting.language },
    });
    if let Some((width, height)) = setting.screen.phone() {
        let metrics =
            json!({ "width": width, "height": height, "pixelRatio": 2.0, "touch": true, "mobile": true });
        options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
    }
    let all = json!({
        "browserName": "chrome",
        // A provider's certificate in the tests is one of its own.
        "acceptInsecureCerts": true,
        "goog:chromeOptions": options,
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        // A dialog that the browser itself opens ("leave this page?") is a failure, not something to click away.
        "unhandledPromptBehavior": "ignore",
    });
    match all {
        Value::Object(all) => Capabilities::from(all),
        _ => Capabilities::new(),
    }
}
