use std::rc::Rc;

use crate::Plugin;
use crate::bridge::{Action, Dialog};
use crate::browser;
use crate::draft::Draft;
use crate::words::{list, w};

/// "Tell the recipient": a text to ask for another address with, to be taken to another way, or to a mail to
/// another address. No mail to the same address is offered, since it would be stopped too.
pub(crate) fn tell(plugin: Plugin, recipients: &[String]) {
    let text = w!(tell_ready, recipients = list(recipients));
    let (to_copy, to_mail) = (text.clone(), text.clone());
    let actions = vec![
        Action {
            name: w!(tell_copy).to_owned(),
            act: Rc::new(move || copy(plugin, to_copy.clone())),
            closes: false,
        },
        Action {
            name: w!(tell_mail).to_owned(),
            act: Rc::new(move || mail(plugin, to_mail.clone())),
            closes: true,
        },
    ];
    plugin.host().show(Dialog {
        title: w!(way_tell).to_owned(),
        text: w!(tell_intro).to_owned(),
        prepared: (w!(tell_label).to_owned(), text),
        actions,
        close: w!(close).to_owned(),
    });
}

fn copy(plugin: Plugin, text: String) {
    leptos::task::spawn_local(async move {
        if browser::copy(&text).await {
            plugin.host().say(w!(tell_copied).to_owned());
        }
    });
}

/// A new mail with the text; to whom, only the user knows.
fn mail(plugin: Plugin, text: String) {
    plugin.host().open_composer(Draft { subject: w!(tell_subject).to_owned(), text, ..Draft::default() });
}
