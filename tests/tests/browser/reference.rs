//! The reference webmail: all of it is ours, and named in `words`.

use black_box::{Element, Name, Role};

use crate::webmail::{Pages, Webmail};

pub(crate) struct Reference;

impl Pages for Reference {
    fn log_in(&self, page: &Webmail, address: &str, password: &str) {
        page.fill(page.words.address, address);
        page.fill(page.words.password, password);
        page.click(Role::Button, page.words.log_in);
    }

    fn expect_log_in(&self, page: &Webmail) {
        page.one(Role::Button, page.words.log_in);
    }

    fn expect_mailboxes(&self, page: &Webmail) {
        page.one(Role::Button, page.words.compose);
    }

    fn log_out(&self, page: &Webmail) {
        page.go(page.words.settings);
        page.go(page.words.my_account);
        page.click(Role::Button, page.words.log_out);
    }

    fn go(&self, page: &Webmail, folder: &str) {
        page.click(Role::Link, folder);
    }

    fn open_setting(&self, page: &Webmail) {
        page.go(page.words.settings);
        page.go(page.words.my_account);
        page.go(page.words.transport);
    }

    fn row<'p>(&self, page: &'p Webmail, words: &str) -> Element<'p> {
        page.one(Role::Link, Name::Has(words))
    }

    fn line(&self, page: &Webmail, words: &str) -> String {
        self.row(page, words).name()
    }

    fn open_row(&self, page: &Webmail, words: &str) {
        page.click(Role::Link, Name::Has(words));
        page.one(Role::Button, page.words.more);
    }

    fn enter_message(&self, _page: &Webmail) {}

    fn open_more(&self, page: &Webmail) {
        page.click(Role::Button, page.words.more);
    }

    fn choose_open_as_new(&self, page: &Webmail) {
        page.click(Role::MenuItem, page.words.open_as_new);
    }

    fn compose(&self, page: &Webmail) {
        page.click(Role::Button, page.words.compose);
    }

    fn expect_composer(&self, page: &Webmail) {
        page.one(Role::Button, page.words.send);
    }

    fn recipients(&self, page: &Webmail, field: &str) -> String {
        page.value(field)
    }

    fn set_recipients(&self, page: &Webmail, field: &str, recipients: &str) {
        page.fill(field, recipients);
    }

    fn text(&self, page: &Webmail) -> String {
        page.value(page.words.message)
    }

    fn set_text(&self, page: &Webmail, text: &str) {
        page.fill(page.words.message, text);
    }

    fn send(&self, page: &Webmail) {
        page.click(Role::Button, page.words.send);
    }

    fn leave_composer(&self, page: &Webmail) {
        page.click(Role::Link, page.words.back);
        page.none(Role::Button, page.words.send);
    }

    fn is_composing(&self, page: &Webmail) -> bool {
        page.has(Role::Button, page.words.send)
    }

    fn expect_sent(&self, page: &Webmail) {
        page.none(Role::Button, page.words.send);
        page.expect_text(page.words.said_sent);
    }
}
