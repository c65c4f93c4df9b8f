use std::rc::Rc;

use leptos::prelude::*;

use super::parts::{MARKS, button, filled, paragraph, strong_address};
use crate::Question;
use crate::el::{El, classed, el};
use crate::state::sending::{Asked, Way};
use crate::words::{list, w};

/// What the dialog before sending says, and its ways; `choose` hears which one is taken.
pub(crate) fn question(asked: &Asked, choose: impl Fn(Way) + 'static) -> AnyView {
    let choose: Rc<dyn Fn(Way)> = Rc::new(choose);
    let rows = asked.ways.iter().map(|&way| row(asked, way, &choose));
    let ways = classed("ul", "ways").attr("aria-label", w!(ask_ways)).children(rows);
    vec![AnyView::from(said(asked)), ways.into()].into_any()
}

fn said(asked: &Asked) -> El {
    let parts = [
        (&asked.stopped, w!(ask_stopped, whom = MARKS[0])),
        (&asked.unproven, w!(ask_unproven, whom = MARKS[0])),
        (&asked.bound, w!(ask_bound, whom = MARKS[0])),
        (&asked.unknown, w!(ask_unknown, whom = MARKS[0])),
    ];
    let named = parts.into_iter().filter(|(whom, _)| !whom.is_empty());
    let sentences = named.map(|(whom, text)| filled(&text, |_| strong_address(&list(whom))));
    classed("div", "dialog-text")
        .attr("id", Question::TEXT)
        .children(sentences)
        .child(paragraph(w!(ask_nothing_sent)))
}

/// A way, as the banner has them: the button's name is only the title, the rest describes it.
fn row(asked: &Asked, way: Way, choose: &Rc<dyn Fn(Way)>) -> El {
    let only_proof = asked.stopped.is_empty();
    let (icon, title, text) = match way {
        Way::Encrypted => {
            let text = w!(ask_encrypted_text, count = asked.encrypted.len(), all = asked.all);
            ("lock", w!(ask_encrypted), text)
        }
        Way::WithGuarantee if only_proof || asked.demand => {
            ("shield", w!(ask_with), w!(ask_with_unproven).to_owned())
        }
        Way::WithGuarantee => ("shield", w!(ask_with), w!(ask_with_text).to_owned()),
        Way::Tell => ("talk", w!(way_tell), w!(way_tell_text).to_owned()),
        Way::EndToEnd => ("key", w!(way_end_to_end), w!(way_end_to_end_text).to_owned()),
        Way::Without => {
            let recipients = list(&asked.liftable());
            let text = match only_proof {
                true => w!(ask_without_unproven, recipients = recipients),
                false => w!(ask_without_text, recipients = recipients),
            };
            ("open", w!(way_without), text)
        }
    };
    let id = format!("tlsg-ask-{icon}");
    let choose = Rc::clone(choose);
    el("li")
        .view(super::icon(icon).into_any())
        .child(button("", title, move || choose(way)).attr("aria-describedby", &id))
        .child(paragraph(&text).attr("id", &id))
        .view(super::icon("right").into_any())
}
