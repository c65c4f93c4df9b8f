//! Roundcube with the Elastic skin. What it gives no accessible name is found by its selector here, and only here.
//!
//! A message is shown in a frame beside (on a phone, over) the list: what opens one enters the frame, and all else
//! leaves it again.

use black_box::{Element, Name, Role, Screen};

use crate::webmail::{Pages, Webmail};

pub(crate) struct Roundcube;

/// The list of a folder's messages.
const LIST: &str = "#messagelist-content";

/// The frame that shows a message.
const PREVIEW: &str = "#messagecontframe";

impl Roundcube {
    fn is_phone(page: &Webmail) -> bool {
        page.setting().screen != Screen::Desktop
    }

    /// Presses a button of the task bar, which hides behind a button of its own on a phone.
    fn task(page: &Webmail, task: &str) {
        page.leave_frames();
        page.until("the task bar", || {
            let shown = !page.nameless("#taskmenu").is_empty();
            for way in ["a.task-menu-button", "a.back-list-button", "a.back-sidebar-button"] {
                if !shown && page.nameless(way).first().and_then(Element::try_click).is_some() {
                    break;
                }
            }
            shown.then_some(())
        });
        Self::command(page, Role::Button, task);
    }

    /// Presses what gives Roundcube a command. While it is busy, as when it looks for new mail, it takes none and says
    /// nothing of that: a person presses again.
    fn command(page: &Webmail, role: Role, name: &str) {
        page.script(
            "window.isHeard = false; \
             rcmail.addEventListener('actionbefore', ({ action }) => { window.isHeard ||= action != 'checkmail' })",
        );
        page.until(&format!("Roundcube to hear {name:?}"), || {
            // Another page is an answer, and so is a question.
            let is_heard =
                page.script("return window.isHeard !== false || !!document.querySelector('.ui-dialog')");
            if is_heard == true {
                return Some(());
            }
            if page.script("return !rcmail.busy") == true {
                page.all(role, name).first().and_then(Element::try_click);
            }
            None
        });
    }

    /// Waits until Roundcube has shown what it was asked for last: before that, it lets buttons do nothing. A list is
    /// asked for when its page is there, and then its number of messages is known.
    fn settled(page: &Webmail) {
        let is_settled = "const rcmail = window.rcmail; if (!rcmail || rcmail.busy) return false; \
            return rcmail.env.task != 'mail' || !!rcmail.env.action || rcmail.env.messagecount !== undefined";
        page.until("an idle page", || (page.script(is_settled) == true).then_some(()));
    }

    /// Goes to the mailboxes from wherever; what is written in a composer is given up.
    fn to_mailboxes(page: &Webmail) {
        page.leave_frames();
        if !page.nameless("body.task-mail.action-none").is_empty() {
            return;
        }
        Self::task(page, page.words.mail);
        page.until("the mailboxes", || {
            page.all(Role::Button, page.words.discard).first().and_then(Element::try_click);
            page.nameless("body.task-mail.action-none").first().map(|_| ())
        });
        page.first(LIST);
        Self::settled(page);
    }

    /// The first part of the ids of a composer's recipient field.
    fn field(page: &Webmail, field: &str) -> &'static str {
        match field {
            to if to == page.words.to => "to",
            cc if cc == page.words.cc => "cc",
            bcc if bcc == page.words.bcc => "bcc",
            other => panic!("no field {other} in Roundcube's composer"),
        }
    }
}

impl Pages for Roundcube {
    fn log_in(&self, page: &Webmail, address: &str, password: &str) {
        self.expect_log_in(page);
        for (field, text) in [("#rcmloginuser", address), ("#rcmloginpwd", password)] {
            page.press_first(field);
            page.fill_focused(text);
        }
        page.press_first("#rcmloginsubmit");
    }

    fn expect_log_in(&self, page: &Webmail) {
        page.leave_frames();
        page.first("#rcmloginsubmit");
    }

    fn expect_mailboxes(&self, page: &Webmail) {
        page.first(LIST);
        Self::settled(page);
    }

    fn log_out(&self, page: &Webmail) {
        Self::task(page, page.words.log_out);
        self.expect_log_in(page);
    }

    fn go(&self, page: &Webmail, folder: &str) {
        Self::to_mailboxes(page);
        if Self::is_phone(page) {
            page.until("the folders", || {
                let shown = !page.nameless("#mailboxlist").is_empty();
                for way in ["a.back-sidebar-button", "a.back-list-button"] {
                    if !shown && let Some(button) = page.nameless(way).first() {
                        button.try_click();
                        break;
                    }
                }
                shown.then_some(())
            });
        }
        page.script(
            "window.isListed = false; rcmail.addEventListener('responseafterlist', () => { window.isListed = true })",
        );
        page.until("the folder's list", || {
            let is_listed = page.script(
                "return window.isListed && !rcmail.busy && document.querySelector('#mailboxlist li.selected > a').textContent",
            );
            if is_listed.as_str().is_some_and(|selected| selected.starts_with(folder)) {
                return Some(());
            }
            // Its name goes on with the number of unread messages. While Roundcube is busy, it does nothing.
            let mut links = page.all(Role::Link, Name::Has(folder)).into_iter();
            let link = links.find(|link| link.name().split(' ').next() == Some(folder));
            if page.script("return !rcmail.busy") == true {
                link.and_then(|link| link.try_click());
            }
            None
        });
        page.first(LIST);
    }

    fn open_setting(&self, page: &Webmail) {
        Self::task(page, page.words.settings);
        page.first("body.task-settings");
        page.click(Role::Button, page.words.my_account);
        page.click(Role::Link, page.words.transport);
    }

    fn row<'p>(&self, page: &'p Webmail, words: &str) -> Element<'p> {
        page.until(&format!("the line of {words:?}"), || {
            let mut rows = page.all(Role::Row, Name::Any);
            rows.retain(|row| row.text().contains(words));
            rows.into_iter().next()
        })
    }

    fn line(&self, page: &Webmail, words: &str) -> String {
        self.row(page, words).text().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn open_row(&self, page: &Webmail, words: &str) {
        // The frame is empty, or shows another message.
        page.script(
            "const frame = document.querySelector('#messagecontframe'); if (frame) frame.contentWindow.isOld = true",
        );
        let row = self.row(page, words);
        row.click();
        page.until("the message in its frame", || {
            let is_there = page.script(
                "const frame = document.querySelector('#messagecontframe')?.contentWindow; \
                 return !!frame && !frame.isOld && frame.document.readyState == 'complete' \
                 && !!frame.document.querySelector('#message-header')",
            );
            (is_there == true).then_some(())
        });
        Self::settled(page);
        self.enter_message(page);
    }

    fn enter_message(&self, page: &Webmail) {
        page.leave_frames();
        page.enter(&page.first(PREVIEW));
    }

    fn open_more(&self, page: &Webmail) {
        page.leave_frames();
        Self::settled(page);
        if Self::is_phone(page) {
            page.press_first("#layout-content a.toolbar-menu-button");
        }
        page.click(Role::Button, page.words.more);
    }

    /// While Roundcube is busy it takes no command, and says nothing of it: a person presses again.
    fn choose_open_as_new(&self, page: &Webmail) {
        page.until("the composer", || {
            if !page.nameless("body.action-compose").is_empty() {
                return Some(());
            }
            if let Some(entry) = page.all(Role::MenuItem, page.words.open_as_new).first() {
                entry.try_click();
            } else if page.script("return !!window.rcmail && !rcmail.busy") == true {
                self.open_more(page);
            }
            None
        });
    }

    fn compose(&self, page: &Webmail) {
        if Self::is_phone(page) || page.nameless("a.compose").is_empty() {
            Self::task(page, page.words.compose);
        } else {
            page.leave_frames();
            Self::command(page, Role::Button, page.words.compose);
        }
        self.expect_composer(page);
    }

    fn expect_composer(&self, page: &Webmail) {
        page.leave_frames();
        page.first("body.action-compose #compose_to ul.recipient-input");
        Self::settled(page);
    }

    fn recipients(&self, page: &Webmail, field: &str) -> String {
        let id = Self::field(page, field);
        let value = page.script(&format!("return document.querySelector('[name=_{id}]').value"));
        let value = value.as_str().unwrap_or_default();
        value.split(',').map(str::trim).filter(|one| !one.is_empty()).collect::<Vec<_>>().join(", ")
    }

    fn set_recipients(&self, page: &Webmail, field: &str, recipients: &str) {
        let id = Self::field(page, field);
        let input = format!("#compose_{id} li.input input");
        if page.nameless(&input).is_empty() {
            page.press_first("#compose_to a[data-popup=headers-menu]");
            page.press_first(&format!("#headers-menu a[data-target={id}]"));
        }
        let chip = format!("#compose_{id} li.recipient a.remove");
        while let Some(chip) = page.nameless(&chip).first() {
            chip.click();
        }
        page.press_first(&input);
        page.type_keys(&format!("{recipients},"));
    }

    fn text(&self, page: &Webmail) -> String {
        match page.nameless("#composebody_ifr").first() {
            Some(editor) => {
                editor.script("return document.body.innerText").as_str().unwrap_or_default().to_owned()
            }
            None => page.first("#composebody").value(),
        }
    }

    fn set_text(&self, page: &Webmail, text: &str) {
        page.press_first("#composebody");
        page.fill_focused(text);
    }

    fn send(&self, page: &Webmail) {
        let role = if Self::is_phone(page) { Role::Link } else { Role::Button };
        Self::command(page, role, page.words.send);
    }

    fn leave_composer(&self, page: &Webmail) {
        Self::to_mailboxes(page);
    }

    fn is_composing(&self, page: &Webmail) -> bool {
        !page.nameless("body.action-compose").is_empty()
    }

    fn expect_sent(&self, page: &Webmail) {
        page.first("body.task-mail.action-none");
        page.first(LIST);
        Self::settled(page);
    }
}
