use std::rc::Rc;

use api::Week;
use leptos::prelude::*;
use leptos::tachys::html::InertElement;

use super::asked::{Asked, section};
use super::parts::paragraph;
use super::table::{Line, cell, whole};
use crate::Plugin;
use crate::browser;
use crate::el::{El, classed, el};
use crate::state::history::{self, Plot, Point};
use crate::words::{locale, w};

const ID: &str = "tlsg-weeks";

/// The protected share of the user's mail over the last weeks, as a curve where it says more, and in numbers.
pub(super) fn weeks(plugin: Plugin) -> El {
    let list = StoredValue::new(Vec::new());
    let ask = move || -> crate::Answer<()> {
        Box::pin(async move {
            let answer = plugin.asks()?.weeks().await?;
            list.try_set_value(answer);
            Ok(())
        })
    };
    let asked = Asked::new(plugin, Rc::new(ask));
    let shown =
        asked.shown(w!(weeks_title), move || list.with_value(|weeks: &Vec<Week>| share(weeks).into()));
    section(ID, w!(weeks_title)).view(shown)
}

fn share(weeks: &[Week]) -> El {
    if !history::has_mail(weeks) {
        return paragraph(w!(weeks_none)).class("small");
    }
    let columns = [w!(weeks_from), w!(weeks_protected), w!(weeks_stopped)];
    let numbers = whole(ID, &columns, weeks.iter().map(line).collect()).class("figures");
    let Some(plot) = history::plot(weeks) else { return numbers };
    let summary = classed("summary", "small").text(w!(weeks_numbers));
    el("div")
        .view(drawn(&plot).into_any())
        .child(paragraph(&said(&plot)).class("small"))
        .child(el("details").child(summary).child(numbers))
}

fn line(week: &Week) -> Line {
    let share = history::share(week).map(|share| w!(per_cent, share = share));
    let all = week.protected.saturating_add(week.unprotected);
    let of_all = share.as_ref().map(|_| w!(weeks_of, protected = week.protected, all = all));
    vec![
        cell(&browser::short_day(&week.monday, locale()), ""),
        cell(share.as_deref().unwrap_or("–"), of_all.as_deref().unwrap_or_default()),
        cell(&week.stopped.to_string(), ""),
    ]
}

fn said(plot: &Plot) -> String {
    let mut text = String::new();
    if let Some(Point { week, .. }) = plot.points.last() {
        let all = week.protected.saturating_add(week.unprotected);
        let from = browser::short_day(&week.monday, locale());
        text.push_str(&w!(weeks_last, date = from, protected = week.protected, all = all));
    }
    if plot.floor > 0 {
        text.push(' ');
        text.push_str(&w!(weeks_floor, floor = plot.floor));
    }
    text
}

/// The curve. SVG has a namespace of its own, so it is written rather than built; all in it is ours.
fn drawn(plot: &Plot) -> InertElement {
    let mut svg = String::from(
        "<svg class=\"plot\" viewBox=\"0 0 352 142\" role=\"img\" aria-labelledby=\"tlsg-plot\" aria-describedby=\"tlsg-plot-text\">\
         <title id=\"tlsg-plot\">",
    );
    svg.push_str(w!(weeks_plot));
    svg.push_str("</title><desc id=\"tlsg-plot-text\">");
    let (Some(first), Some(last)) = (plot.points.first(), plot.points.last()) else {
        return InertElement::new(String::from("<svg></svg>"));
    };
    let date = |point: &Point| browser::short_day(&point.week.monday, locale());
    let change =
        w!(weeks_change, before = first.share, from = date(first), share = last.share, to = date(last));
    svg.push_str(&change);
    svg.push_str("</desc>");
    for share in plot.lines {
        let y = history::height(share, plot.floor);
        put(&mut svg, &["<path class=\"grid\" d=\"M34 ", &y.to_string(), "H330\"/>"]);
        text(&mut svg, ("end", ""), (26, y + 4), &share.to_string());
    }
    put(&mut svg, &["<path class=\"curve\" d=\"", &plot.curve, "\"/>"]);
    for point in &plot.points {
        let class = if point == last { "4\" class=\"last" } else { "3" };
        put(
            &mut svg,
            &[
                "<circle cx=\"",
                &point.x.to_string(),
                "\" cy=\"",
                &point.y.to_string(),
                "\" r=\"",
                class,
                "\"/>",
            ],
        );
    }
    // Below the curve, or above it where it is low.
    let beside = if last.y < 80 { last.y + 24 } else { last.y - 12 };
    text(&mut svg, ("middle", "value"), (last.x, beside), &w!(per_cent, share = last.share));
    for point in [first, last] {
        text(&mut svg, ("middle", ""), (point.x, 136), &date(point));
    }
    svg.push_str("</svg>");
    InertElement::new(svg)
}

fn text(svg: &mut String, (anchor, class): (&str, &str), (x, y): (u32, u32), text: &str) {
    let (x, y) = (x.to_string(), y.to_string());
    put(
        svg,
        &[
            "<text class=\"",
            class,
            "\" x=\"",
            &x,
            "\" y=\"",
            &y,
            "\" text-anchor=\"",
            anchor,
            "\">",
            text,
            "</text>",
        ],
    );
}

fn put(svg: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| svg.push_str(part));
}
