//! A webmail as a person uses it: whatever is done here is done through what the page shows.
//!
//! [`Webmail`] is the same for every host; [`Pages`] is what each of them calls and places in a way of its own.

use std::ops::Deref;

use black_box::{Browser, Element, Name, PASSWORD, Role, Screen, Setting, Shade, World};

use crate::hosts::{Host, Look};
use crate::words::Words;

/// What a webmail has in a way of its own: folders, lists, the composer.
pub(crate) trait Pages {
    /// Fills in the form and sends it.
    fn log_in(&self, page: &Webmail, address: &str, password: &str);

    /// Waits for the form.
    fn expect_log_in(&self, page: &Webmail);

    /// Waits for the mailboxes.
    fn expect_mailboxes(&self, page: &Webmail);

    fn log_out(&self, page: &Webmail);

    /// Goes to a folder.
    fn go(&self, page: &Webmail, folder: &str);

    /// Settings → My account → Transport encryption.
    fn open_setting(&self, page: &Webmail);

    /// The line of the open folder with these words, waited for.
    fn row<'p>(&self, page: &'p Webmail, words: &str) -> Element<'p>;

    /// What that line says.
    fn line(&self, page: &Webmail, words: &str) -> String;

    /// Opens the message of that line; from then on all is looked for where the message is.
    fn open_row(&self, page: &Webmail, words: &str);

    /// From now on all is looked for where the open message is.
    fn enter_message(&self, page: &Webmail);

    /// Opens the menu More of the open message.
    fn open_more(&self, page: &Webmail);

    /// Presses "Open as new message" in that menu.
    fn choose_open_as_new(&self, page: &Webmail);

    /// Opens a fresh composer.
    fn compose(&self, page: &Webmail);

    /// Waits until the composer is there to write in.
    fn expect_composer(&self, page: &Webmail);

    /// The recipients in a field of the composer, as one line.
    fn recipients(&self, page: &Webmail, field: &str) -> String;

    /// Puts recipients into a field, in the place of what it holds.
    fn set_recipients(&self, page: &Webmail, field: &str, recipients: &str);

    /// The message's text in the composer.
    fn text(&self, page: &Webmail) -> String;

    fn set_text(&self, page: &Webmail, text: &str);

    /// Presses Send.
    fn send(&self, page: &Webmail);

    /// Leaves the composer and gives up what is written there.
    fn leave_composer(&self, page: &Webmail);

    /// Whether the composer is there.
    fn is_composing(&self, page: &Webmail) -> bool;

    /// Waits until the composer is gone, and the webmail has said that it sent.
    fn expect_sent(&self, page: &Webmail);
}

/// A page of a webmail in one language.
pub(crate) struct Webmail {
    browser: Browser,
    pub(crate) words: &'static Words,
    pages: &'static dyn Pages,
}

impl Deref for Webmail {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.browser
    }
}

impl Webmail {
    /// A host's page before anybody has logged in; `None` if there is no browser or no page on this machine.
    pub(crate) fn at(host: Host, name: &str, world: &World, look: Look) -> Option<Self> {
        let words = host.words(look.language);
        let setting = Setting { language: words.language, screen: look.screen, shade: look.shade };
        let browser = Browser::start(&format!("{}{name}", host.prefix()), world.web(), setting)?;
        Some(Self { browser, words, pages: host.pages() })
    }

    /// The same, with alice logged in.
    pub(crate) fn at_alices(host: Host, name: &str, world: &World, look: Look) -> Option<Self> {
        let page = Self::at(host, name, world, look)?;
        page.log_in(&format!("alice@{}", world.domain()), PASSWORD);
        page.expect_mailboxes();
        Some(page)
    }

    /// The reference webmail before anybody has logged in.
    pub(crate) fn open(name: &str, world: &World, words: &'static Words, screen: Screen) -> Option<Self> {
        let setting = Setting { language: words.language, screen, shade: Shade::Light };
        let browser = Browser::start(name, world.web(), setting)?;
        Some(Self { browser, words, pages: Host::Reference.pages() })
    }

    /// The same, with the demo's user logged in.
    pub(crate) fn of(
        name: &str,
        world: &World,
        words: &'static Words,
        screen: Screen,
        address: &str,
    ) -> Option<Self> {
        let page = Self::open(name, world, words, screen)?;
        page.log_in(address, PASSWORD);
        page.expect_mailboxes();
        Some(page)
    }

    /// Alice's page of the reference webmail, in English on a desktop.
    pub(crate) fn of_alice(name: &str, world: &World) -> Option<Self> {
        Self::at_alices(Host::Reference, name, world, Look::PLAIN)
    }

    pub(crate) fn log_in(&self, address: &str, password: &str) {
        self.pages.log_in(self, address, password);
    }

    pub(crate) fn expect_log_in(&self) {
        self.pages.expect_log_in(self);
    }

    pub(crate) fn expect_mailboxes(&self) {
        self.pages.expect_mailboxes(self);
    }

    pub(crate) fn log_out(&self) {
        self.pages.log_out(self);
    }

    /// Goes to a folder, or in the reference webmail to what else the navigation leads to.
    pub(crate) fn go(&self, name: &str) {
        self.pages.go(self, name);
    }

    pub(crate) fn open_setting(&self) {
        self.pages.open_setting(self);
    }

    /// The line of a message in the open folder: the one that has these words.
    pub(crate) fn row(&self, words: &str) -> Element<'_> {
        self.pages.row(self, words)
    }

    /// What that line says.
    pub(crate) fn line(&self, words: &str) -> String {
        self.pages.line(self, words)
    }

    /// Opens the message of that line.
    pub(crate) fn open_row(&self, words: &str) {
        self.pages.open_row(self, words);
    }

    /// Opens a folder's message.
    pub(crate) fn read(&self, folder: &str, subject: &str) {
        self.go(folder);
        self.open_row(subject);
        self.one(Role::Heading, subject);
    }

    /// Looks at the open message again, after [`Browser::leave_frames`].
    pub(crate) fn enter_message(&self) {
        self.pages.enter_message(self);
    }

    pub(crate) fn open_more(&self) {
        self.pages.open_more(self);
    }

    /// Sent → the message → More → Open as new message.
    pub(crate) fn open_as_new(&self, subject: &str) {
        self.read(self.words.sent, subject);
        self.open_more();
        self.choose_open_as_new();
    }

    /// Chooses the entry of the menu More that is open.
    pub(crate) fn choose_open_as_new(&self) {
        self.pages.choose_open_as_new(self);
        self.pages.expect_composer(self);
    }

    /// Takes one of a banner's ways that lead to the composer.
    pub(crate) fn take_way(&self, way: &str) {
        self.click(Role::Button, way);
        self.leave_frames();
        self.pages.expect_composer(self);
    }

    /// Opens a fresh composer.
    pub(crate) fn compose(&self) {
        self.pages.compose(self);
    }

    pub(crate) fn write(&self, to: &str, subject: &str, text: &str) {
        self.compose();
        self.set_recipients(self.words.to, to);
        self.fill(self.words.subject, subject);
        self.pages.set_text(self, text);
    }

    pub(crate) fn set_recipients(&self, field: &str, recipients: &str) {
        self.pages.set_recipients(self, field, recipients);
    }

    /// Waits until the composer's field holds these recipients.
    pub(crate) fn expect_recipients(&self, field: &str, expected: &str) {
        self.expect_equal(field, expected, || self.pages.recipients(self, field));
    }

    /// Waits until the composer holds this text.
    pub(crate) fn expect_written(&self, expected: &str) {
        self.expect_equal("the text", expected, || self.written());
    }

    /// The text in the composer.
    pub(crate) fn written(&self) -> String {
        self.pages.text(self)
    }

    pub(crate) fn leave_composer(&self) {
        self.pages.leave_composer(self);
    }

    pub(crate) fn send(&self) {
        self.pages.send(self);
    }

    /// Waits until the composer is gone and the page has said what became of the mail.
    pub(crate) fn expect_sent(&self) {
        self.leave_it_to_the_guarantee();
        self.pages.expect_sent(self);
    }

    /// If there is a question before sending, has the server stop what it must: so the composer is left.
    fn leave_it_to_the_guarantee(&self) {
        self.until("the composer to be left", || {
            // Looked at first: the question hides what is behind it.
            let is_composing = self.pages.is_composing(self);
            match self.all(Role::Button, self.words.send_with).first() {
                Some(way) => drop(way.try_click()),
                None if !is_composing => return Some(()),
                None => {}
            }
            None
        });
    }

    /// Whether light letters stand on a dark ground.
    pub(crate) fn shade(&self) -> Shade {
        let is_dark = "const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0); \
            const style = getComputedStyle(document.body); return light(style.backgroundColor) < light(style.color);";
        if self.script(is_dark) == true { Shade::Dark } else { Shade::Light }
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
