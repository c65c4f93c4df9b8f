//! Finding things as a person with a screen reader does: by role and accessible name.

use std::fmt::Write;

use reqwest::Method;
use serde_json::{Value, json};
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::{RequestData, SessionId, WebElement};

use super::{Browser, Outcome};

/// A role of WAI-ARIA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What announces itself at once.
    Alert,
    /// Something to press.
    Button,
    /// A choice of its own.
    CheckBox,
    /// A window within the page.
    Dialog,
    /// The title of a part.
    Heading,
    /// A document within the page.
    Frame,
    /// Leads to another view.
    Link,
    /// The entry of a menu.
    MenuItem,
    /// The folders and areas.
    Navigation,
    /// One of several choices.
    Radio,
    /// A named part of the page.
    Region,
    /// A line of a table.
    Row,
    /// What announces itself when there is time.
    Status,
    /// A field for text.
    TextBox,
}

impl Role {
    /// What can have that role: the browser's own word for each found element decides.
    fn candidates(self) -> &'static str {
        match self {
            Self::Alert => "[role=alert], [role=alertdialog]",
            Self::Button => "button, summary, input[type=submit], input[type=button], [role=button]",
            Self::CheckBox => "input[type=checkbox], [role=checkbox]",
            Self::Dialog => "dialog, [role=dialog], [role=alertdialog]",
            Self::Heading => "h1, h2, h3, h4, [role=heading]",
            Self::Frame => "iframe",
            Self::Link => "a[href], [role=link]",
            Self::MenuItem => "[role=menuitem]",
            Self::Navigation => "nav, [role=navigation]",
            Self::Radio => "input[type=radio], [role=radio]",
            Self::Region => "section, [role=region]",
            Self::Row => "tr, [role=row]",
            Self::Status => "output, [role=status]",
            Self::TextBox => {
                "input:not([type]), input[type=text], input[type=email], input[type=password], textarea, \
                 [role=textbox], [role=combobox], [contenteditable=true]"
            }
        }
    }

    fn is(self, computed: &str) -> bool {
        let names: &[&str] = match self {
            Self::Alert => &["alert", "alertdialog"],
            Self::Button => &["button", "DisclosureTriangle", "DisclosureTriangleGrouped"],
            Self::CheckBox => &["checkbox"],
            Self::Dialog => &["dialog", "alertdialog"],
            Self::Heading => &["heading"],
            Self::Frame => &["Iframe", "iframe", "none"],
            Self::Link => &["link"],
            Self::MenuItem => &["menuitem"],
            Self::Navigation => &["navigation"],
            Self::Radio => &["radio"],
            Self::Region => &["region"],
            Self::Row => &["row"],
            Self::Status => &["status"],
            Self::TextBox => &["textbox", "combobox", "searchbox"],
        };
        names.contains(&computed)
    }
}

/// Which accessible name is looked for.
#[derive(Clone, Copy, Debug)]
pub enum Name<'n> {
    /// This one.
    Is(&'n str),
    /// One with these words in it.
    Has(&'n str),
    /// Whatever it is called.
    Any,
}

impl<'n> From<&'n str> for Name<'n> {
    fn from(name: &'n str) -> Self {
        Self::Is(name)
    }
}

impl Name<'_> {
    fn fits(self, computed: &str) -> bool {
        match self {
            Self::Is(name) => one_spaced(computed) == name,
            Self::Has(words) => one_spaced(computed).contains(words),
            Self::Any => true,
        }
    }
}

/// With one space between words, and without what icon fonts draw (the private use area), which nobody reads out.
pub(super) fn one_spaced(text: &str) -> String {
    let words = text.replace(|letter| matches!(letter, '\u{e000}'..='\u{f8ff}'), " ");
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// WebDriver's word for what a screen reader is told (§12.4.9 and §12.4.10).
#[derive(Debug)]
struct Computed<'e> {
    what: &'static str,
    element: &'e WebElement,
}

impl FormatRequestData for Computed<'_> {
    fn format_request(&self, session: &SessionId) -> RequestData {
        let element = self.element.element_id();
        RequestData::new(Method::GET, format!("/session/{session}/element/{element}/{}", self.what))
    }
}

/// Something on the page.
#[derive(Clone)]
pub struct Element<'b> {
    browser: &'b Browser,
    pub(super) inner: WebElement,
}

/// The shown elements that could have a role, below an element or all.
const SHOWN: &str = "const [root, css] = arguments; \
    return [...(root ?? document).querySelectorAll(css)].filter(e => e.checkVisibility({visibilityProperty: true}));";

/// What is shown and fits a selector, at this moment.
pub(super) async fn shown<'b>(browser: &'b Browser, css: &str) -> Outcome<Vec<Element<'b>>> {
    let shown = browser.driver().execute(SHOWN, vec![json!(null), json!(css)]).await?.elements()?;
    Ok(shown.into_iter().map(|inner| Element { browser, inner }).collect())
}

/// Scrolls the element out from under what sticks, and is resolved when it is where it was a frame before, and nothing that
/// ends is on its way with it.
const STILL: &str = "const [e, done] = arguments; \
    e.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'instant' }); \
    const place = () => { const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height].join(); }; \
    const moves = a => a.playState == 'running' && a.effect?.getComputedTiming().endTime < Infinity && a.effect.target?.contains(e); \
    let was = null; \
    const look = () => { const is = place(); if (is == was && !document.getAnimations().some(moves)) return done(true); \
        was = is; requestAnimationFrame(look); }; \
    look();";

/// The element, when it no longer moves: a menu that is opening would be somewhere else by the time it is pressed.
pub(super) async fn still<'e>(browser: &Browser, element: &'e WebElement) -> Outcome<&'e WebElement> {
    browser.driver().execute_async(STILL, vec![element.to_json()?]).await?;
    Ok(element)
}

/// Those with this role and name, at this moment.
pub(super) async fn find<'b>(
    browser: &'b Browser,
    below: Option<&WebElement>,
    role: Role,
    name: Name<'_>,
) -> Outcome<Vec<Element<'b>>> {
    let root = match below {
        Some(element) => element.to_json()?,
        None => json!(null),
    };
    let driver = browser.driver();
    let shown = driver.execute(SHOWN, vec![root, json!(role.candidates())]).await?.elements()?;
    let mut found = Vec::new();
    for inner in shown {
        let label: String = driver.cmd(Computed { what: "computedlabel", element: &inner }).await?.value()?;
        if !name.fits(&label) {
            continue;
        }
        let computed: String =
            driver.cmd(Computed { what: "computedrole", element: &inner }).await?.value()?;
        if role.is(&computed) {
            found.push(Element { browser, inner });
        }
    }
    Ok(found)
}

impl<'b> Element<'b> {
    pub(super) fn new(browser: &'b Browser, inner: WebElement) -> Self {
        Self { browser, inner }
    }

    /// The text as it is shown.
    pub fn text(&self) -> String {
        let text = self.browser.run(self.inner.text());
        text.unwrap_or_default()
    }

    /// The accessible name, as [`Name`] compares it.
    pub fn name(&self) -> String {
        let asked = Computed { what: "computedlabel", element: &self.inner };
        let driver = self.browser.driver();
        let name: Outcome<String> = self.browser.run(async { driver.cmd(asked).await?.value() });
        one_spaced(&name.unwrap_or_default())
    }

    /// What a field holds.
    pub fn value(&self) -> String {
        self.browser.run(self.inner.value()).ok().flatten().unwrap_or_default()
    }

    /// An attribute.
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.browser.run(self.inner.attr(name)).ok().flatten()
    }

    /// Whether all of it is within the window, and nothing lies over it.
    pub fn is_in_sight(&self) -> bool {
        let look = "const [e] = arguments, r = e.getBoundingClientRect(); \
            const top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2); \
            return r.left >= 0 && r.top >= 0 && r.right <= innerWidth + 0.5 && r.bottom <= innerHeight + 0.5 && e.contains(top)";
        let driver = self.browser.driver();
        let seen = self.browser.run(async { driver.execute(look, vec![self.inner.to_json()?]).await });
        seen.is_ok_and(|seen| seen.json() == true)
    }

    /// Presses it.
    ///
    /// # Panics
    /// When something lies over it, or it is not there any more.
    pub fn click(&self) {
        self.browser.run(self.inner.click()).expect("a click");
    }

    /// Presses it, if it can be pressed now; for those who look again.
    pub fn try_click(&self) -> Option<()> {
        self.browser.run(self.inner.click()).ok()
    }

    /// Presses it twice, as fast as it goes.
    ///
    /// # Panics
    /// When the browser does not answer.
    pub fn double_click(&self) {
        let twice = self.browser.driver().action_chain().double_click_element(&self.inner);
        self.browser.run(twice.perform()).expect("a double click");
    }

    /// Types into it, behind what is there.
    ///
    /// # Panics
    /// When it takes no text.
    pub fn type_text(&self, text: &str) {
        self.browser.run(self.inner.send_keys(text)).expect("typing");
    }

    /// Those with this role and name within it, at this moment.
    pub fn all<'n>(&self, role: Role, name: impl Into<Name<'n>>) -> Vec<Element<'b>> {
        self.browser.run(find(self.browser, Some(&self.inner), role, name.into())).unwrap_or_default()
    }

    /// Whether there is one with this role and name within it.
    pub fn has<'n>(&self, role: Role, name: impl Into<Name<'n>>) -> bool {
        !self.all(role, name).is_empty()
    }

    /// What a script finds out about the document within this frame.
    ///
    /// # Panics
    /// When it is no frame, or the script fails.
    pub fn script(&self, script: &str) -> Value {
        let driver = self.browser.driver();
        let found = self.browser.run(async {
            self.inner.clone().enter_frame().await?;
            let found = driver.execute(script, Vec::new()).await;
            driver.enter_default_frame().await?;
            Ok::<_, thirtyfour::error::WebDriverError>(found?.json().clone())
        });
        found.expect("a script in the frame")
    }
}

/// The names of all that has a role, for a failure's message.
pub(super) fn names(elements: &[Element<'_>]) -> String {
    elements.iter().fold(String::new(), |mut said, element| {
        // Writing to a String cannot fail.
        let _ = write!(said, "{:?} ", element.name());
        said
    })
}
