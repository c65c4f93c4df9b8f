use crate::el::{El, classed, el};
use crate::words::w;

/// How many lines are shown before one asks for the others.
const SHOWN: usize = 5;

/// A line of a table.
pub(super) type Line = Vec<El>;

/// A table, newest line first; the older ones are behind a summary. It is named by its section's heading.
pub(super) fn table(labelled_by: &'static str, columns: &[&'static str], mut lines: Vec<Line>) -> El {
    let older = lines.split_off(lines.len().min(SHOWN));
    let shown = classed("div", "table").child(whole(labelled_by, columns, lines));
    if older.is_empty() {
        return shown;
    }
    let summary = classed("summary", "small").text(w!(older, count = older.len()));
    shown.child(el("details").child(summary).child(whole(labelled_by, columns, older)))
}

/// A table with all its lines.
pub(super) fn whole(labelled_by: &'static str, columns: &[&'static str], lines: Vec<Line>) -> El {
    // On narrow screens the rows are stacked, which takes a table's semantics away but for the roles.
    let row = || el("tr").attr("role", "row");
    let column = |word: &&'static str| el("th").attr("role", "columnheader").attr("scope", "col").text(word);
    let lines = lines.into_iter().map(|cells| row().children(cells));
    el("table")
        .attr("role", "table")
        .attr("aria-labelledby", labelled_by)
        .child(el("thead").attr("role", "rowgroup").child(row().children(columns.iter().map(column))))
        .child(el("tbody").attr("role", "rowgroup").children(lines))
}

/// A cell with its text, and smaller text below if there is any.
pub(super) fn cell(text: &str, small: &str) -> El {
    let small = (!small.is_empty()).then(|| classed("span", "small").text(small));
    el("td").attr("role", "cell").text(text).maybe(small)
}
