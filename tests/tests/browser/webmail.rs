//! The reference webmail as a person uses it: whatever is done here is done through what the page shows.

use std::ops::Deref;

use black_box::{Browser, Demo, Element, Name, PASSWORD, Role, Screen, Setting};

use crate::words::Words;

/// A page of the webmail in one language.
pub(crate) struct Webmail {
    browser: Browser,
    pub(crate) words: &'static Words,
}

impl Deref for Webmail {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.browser
    }
}

impl Webmail {
    /// The page before anybody has logged in; `None` if there is no browser or no page on this machine.
    pub(crate) fn open(name: &str, demo: &Demo, words: &'static Words, screen: Screen) -> Option<Self> {
        let setting = Setting { language: words.language, screen };
        Some(Self { browser: Browser::start(name, demo.http(), setting)?, words })
    }

    /// The same, with the demo's user logged in.
    pub(crate) fn of(
        name: &str,
        demo: &Demo,
        words: &'static Words,
        screen: Screen,
        address: &str,
    ) -> Option<Self> {
        let page = Self::open(name, demo, words, screen)?;
        page.log_in(address, PASSWORD);
        page.one(Role::Button, words.compose);
        Some(page)
    }

    /// Alice's page in English on a desktop.
    pub(crate) fn of_alice(name: &str, demo: &Demo) -> Option<Self> {
        Self::of(name, demo, &crate::words::ENGLISH, Screen::Desktop, "alice@home.example")
    }

    pub(crate) fn log_in(&self, address: &str, password: &str) {
        self.fill(self.words.address, address);
        self.fill(self.words.password, password);
        self.click(Role::Button, self.words.log_in);
    }

    /// Goes to a folder, or to what else the navigation leads to.
    pub(crate) fn go(&self, name: &str) {
        self.click(Role::Link, name);
    }

    pub(crate) fn open_setting(&self) {
        self.go(self.words.settings);
        self.go(self.words.my_account);
        self.go(self.words.transport);
    }

    /// The line of a message in the open folder: the one whose name has these words.
    pub(crate) fn row(&self, words: &str) -> Element<'_> {
        self.one(Role::Link, Name::Has(words))
    }

    /// Opens a folder's message.
    pub(crate) fn read(&self, folder: &str, subject: &str) {
        self.go(folder);
        self.click(Role::Link, Name::Has(subject));
        self.one(Role::Heading, subject);
    }

    /// Sent → the message → More → Open as new message.
    pub(crate) fn open_as_new(&self, subject: &str) {
        self.read(self.words.sent, subject);
        self.click(Role::Button, self.words.more);
        self.click(Role::MenuItem, self.words.open_as_new);
        self.one(Role::Button, self.words.send);
    }

    pub(crate) fn write(&self, to: &str, subject: &str, text: &str) {
        self.click(Role::Button, self.words.compose);
        self.fill(self.words.to, to);
        self.fill(self.words.subject, subject);
        self.fill(self.words.message, text);
    }

    pub(crate) fn send(&self) {
        self.click(Role::Button, self.words.send);
    }

    /// Waits until the composer is gone and the page has said what became of the mail.
    pub(crate) fn expect_sent(&self) {
        self.none(Role::Button, self.words.send);
        self.expect_text(self.words.said_sent);
    }

    /// The open message's banner of this name, waited for.
    pub(crate) fn banner(&self, name: &str) -> Element<'_> {
        self.one(Role::Region, name)
    }

    /// The names of the banner's ways.
    pub(crate) fn ways(&self) -> [&'static str; 3] {
        [self.words.tell, self.words.end_to_end, self.words.without]
    }

    /// The reminder, if the page shows it: a dialog or alert with the button.
    pub(crate) fn reminder(&self) -> Option<Element<'_>> {
        let mut shown = self.all(Role::Alert, Name::Any);
        shown.extend(self.all(Role::Dialog, Name::Any));
        shown.into_iter().find(|shown| shown.has(Role::Button, self.words.activate))
    }
}
