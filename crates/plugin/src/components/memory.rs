use std::rc::Rc;

use api::HostMemory;
use leptos::prelude::*;

use super::asked::{Asked, section};
use super::parts::{paragraph, protection, when};
use super::table::{Line, cell, table};
use crate::Plugin;
use crate::browser;
use crate::el::{El, classed, with_icon};
use crate::words::{locale, w};

const ID: &str = "tlsg-memory";

/// What the user's own mail has met at each domain's hosts, and where that is gone.
pub(super) fn memory(plugin: Plugin) -> El {
    let list = StoredValue::new(Vec::new());
    let ask = move || -> crate::Answer<()> {
        Box::pin(async move {
            let answer = plugin.asks()?.memory().await?;
            list.try_set_value(answer);
            Ok(())
        })
    };
    let asked = Asked::new(plugin, Rc::new(ask));
    let shown = asked.shown(w!(memory_title), move || {
        list.with_value(|list: &Vec<HostMemory>| {
            if list.is_empty() {
                return paragraph(w!(memory_none)).class("small").into();
            }
            let columns = [w!(memory_where), w!(memory_best), w!(memory_last)];
            table(ID, &columns, list.iter().map(line).collect()).into()
        })
    });
    section(ID, w!(memory_title)).child(paragraph(w!(memory_text))).view(shown)
}

fn line(one: &HostMemory) -> Line {
    let attack = one.downgraded_at.map(|at| {
        let text = w!(memory_attack, time = browser::day(at, locale()));
        with_icon(classed("span", "state danger"), "alert", text)
    });
    vec![
        cell(&one.domain, &one.host),
        cell(protection(one.best), "").maybe(attack),
        cell(&when(one.last_tls), ""),
    ]
}
