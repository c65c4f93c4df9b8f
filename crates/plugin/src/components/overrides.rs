use std::rc::Rc;

use api::PastOverride;
use leptos::prelude::*;

use super::asked::{Asked, section};
use super::parts::{paragraph, when};
use super::table::{Line, cell, table};
use crate::Plugin;
use crate::el::El;
use crate::words::{list as sentence, w};

const ID: &str = "tlsg-overrides";

/// The last decisions to send one mail without the guarantee.
pub(super) fn overrides(plugin: Plugin) -> El {
    let list = StoredValue::new(Vec::new());
    let ask = move || -> crate::Answer<()> {
        Box::pin(async move {
            let answer = plugin.asks()?.overrides().await?;
            list.try_set_value(answer);
            Ok(())
        })
    };
    let asked = Asked::new(plugin, Rc::new(ask));
    let shown = asked.shown(w!(overrides_title), move || {
        list.with_value(|list: &Vec<PastOverride>| {
            if list.is_empty() {
                return paragraph(w!(overrides_none)).class("small").into();
            }
            let columns = [w!(stops_time), w!(overrides_who), w!(overrides_used)];
            table(ID, &columns, list.iter().map(line).collect()).into()
        })
    });
    section(ID, w!(overrides_title)).child(paragraph(w!(overrides_text))).view(shown)
}

fn line(one: &PastOverride) -> Line {
    let used = if one.used_by.is_some() { w!(override_used) } else { w!(override_unused) };
    vec![cell(&when(one.recorded_at), ""), cell(&sentence(&one.recipients), ""), cell(used, "")]
}
