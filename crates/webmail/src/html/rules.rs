//! What of an HTML mail may reach the reader.
//!
//! The frame that shows it is the wall: sandboxed, without scripts, its own policy allows nothing from
//! outside. These rules keep out what has no business in a mail at all, so that two things have to fail.

/// What becomes of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Stays, with the attributes that may.
    Keep,
    /// Goes, its content stays.
    Unwrap,
    /// Goes with all that is in it.
    Drop,
}

/// What becomes of an element of this name (lower case). Those that have no content (`meta`, `link`, `input` …)
/// need no rule: there is nothing to unwrap.
pub(crate) fn element(name: &str) -> Fate {
    match name {
        "a" | "abbr" | "address" | "article" | "aside" | "b" | "bdi" | "bdo" | "big" | "blockquote"
        | "br" | "caption" | "center" | "cite" | "code" | "col" | "colgroup" | "dd" | "del" | "details"
        | "dfn" | "div" | "dl" | "dt" | "em" | "figcaption" | "figure" | "font" | "footer" | "h1" | "h2"
        | "h3" | "h4" | "h5" | "h6" | "header" | "hr" | "i" | "img" | "ins" | "kbd" | "li" | "main"
        | "mark" | "nav" | "ol" | "p" | "pre" | "q" | "rp" | "rt" | "ruby" | "s" | "samp" | "section"
        | "small" | "span" | "strike" | "strong" | "sub" | "summary" | "sup" | "table" | "tbody" | "td"
        | "tfoot" | "th" | "thead" | "time" | "tr" | "tt" | "u" | "ul" | "var" | "wbr" => Fate::Keep,
        "applet" | "audio" | "canvas" | "frameset" | "math" | "object" | "select" | "svg" | "template"
        | "video" => Fate::Drop,
        _ => Fate::Unwrap,
    }
}

/// Whether the element has no end tag.
pub(crate) fn is_void(name: &str) -> bool {
    matches!(name, "br" | "col" | "hr" | "img" | "wbr")
}

/// Which open elements end where another begins.
pub(super) struct Ends {
    /// These, whatever is open in them; empty for everything.
    pub(super) elements: &'static [&'static str],
    /// But nothing outside of the innermost of these.
    pub(super) within: &'static [&'static str],
}

/// What holds a paragraph or a link.
const CELLS: &[&str] = &["table", "td", "th", "caption"];

/// Which open elements an element's start ends, though nothing in the mail says so (HTML §13.2.6.4).
pub(super) fn ends_before(name: &str) -> Option<Ends> {
    let (elements, within): (&[&str], &[&str]) = match name {
        "li" => (&["p", "li"], &["ul", "ol", "dl", "table", "td", "th"]),
        "dt" | "dd" => (&["p", "dt", "dd"], &["ul", "ol", "dl", "table", "td", "th"]),
        "td" | "th" => (&[], &["table", "thead", "tbody", "tfoot", "tr"]),
        "tr" => (&[], &["table", "thead", "tbody", "tfoot"]),
        "thead" | "tbody" | "tfoot" | "caption" | "colgroup" => (&[], &["table"]),
        "col" => (&[], &["table", "colgroup"]),
        "a" => (&["a"], CELLS),
        "address" | "article" | "aside" | "blockquote" | "center" | "details" | "div" | "dl"
        | "figcaption" | "figure" | "footer" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "header" | "hr"
        | "main" | "nav" | "ol" | "p" | "pre" | "section" | "summary" | "table" | "ul" => (&["p"], CELLS),
        _ => return None,
    };
    Some(Ends { elements, within })
}

/// What an element's end can't get out of.
pub(super) fn holds(name: &str) -> &'static [&'static str] {
    match name {
        "table" => &[],
        "td" | "th" | "tr" | "thead" | "tbody" | "tfoot" | "caption" | "colgroup" => &["table"],
        _ => CELLS,
    }
}

/// Whether the element is nothing without a table around it.
pub(super) fn is_of_table(name: &str) -> bool {
    name == "col" || (name != "table" && holds(name) == ["table"])
}

/// How many lines an element makes a text longer, roughly.
pub(crate) fn lines(name: &str) -> usize {
    match name {
        "br" | "div" | "hr" | "li" | "tr" | "dt" | "dd" => 1,
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "pre" | "table" | "ul" | "ol" => 2,
        _ => 0,
    }
}

/// What becomes of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attribute {
    /// Stays as it is.
    Keep,
    /// The declarations of a `style` attribute: they go into the frame's style sheet.
    Style,
    /// A link that may be followed.
    Link,
    /// A picture's source, to be looked up among the mail's own parts.
    Picture,
    /// Goes.
    Drop,
}

/// What becomes of an attribute (lower case) of a kept element.
pub(crate) fn attribute(element: &str, name: &str, value: &str) -> Attribute {
    match (element, name) {
        ("a", "href") if is_followable(value) => Attribute::Link,
        ("img", "src") => Attribute::Picture,
        (_, "style") => Attribute::Style,
        (
            _,
            "abbr" | "align" | "alt" | "bgcolor" | "border" | "cellpadding" | "cellspacing" | "class"
            | "color" | "cols" | "colspan" | "datetime" | "dir" | "face" | "headers" | "height" | "hidden"
            | "hspace" | "id" | "lang" | "noshade" | "nowrap" | "open" | "reversed" | "role" | "rowspan"
            | "scope" | "size" | "span" | "start" | "summary" | "title" | "type" | "valign" | "value"
            | "vspace" | "width",
        ) => Attribute::Keep,
        _ => Attribute::Drop,
    }
}

/// Whether a link leads to a place that a mail may point at.
pub(crate) fn is_followable(link: &str) -> bool {
    let link = link.trim_start().to_ascii_lowercase();
    ["http://", "https://", "mailto:", "tel:"].iter().any(|scheme| link.starts_with(scheme))
}

/// The Content-ID that a picture's source names, percent-decoded (RFC 2392 §2).
pub(crate) fn content_id(source: &str) -> Option<String> {
    let source = source.trim();
    let id = source.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("cid:")).and(source.get(4..))?;
    let mut bytes = Vec::with_capacity(id.len());
    let mut rest = id.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok().filter(|id| !id.is_empty())
}

/// Whether a `data:` source is a picture that cannot carry a script.
pub(crate) fn is_picture_data(source: &str) -> bool {
    let source = source.trim_start().to_ascii_lowercase();
    ["png", "jpeg", "jpg", "gif", "webp", "avif", "bmp"]
        .iter()
        .any(|kind| source.strip_prefix("data:image/").is_some_and(|rest| rest.starts_with(kind)))
}

/// Whether a part's media type is a picture that may be shown.
pub(crate) fn is_picture_type(media_type: &str) -> bool {
    is_picture_data(&format!("data:{media_type}"))
}

/// A style sheet that names nothing elsewhere. The frame's policy would not let it be fetched anyhow.
pub(crate) fn without_addresses(css: &str) -> String {
    let mut kept = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(at) = rest.find('(') {
        let (before, after) = rest.split_at(at + 1);
        kept.push_str(before);
        let name = before.trim_end_matches('(');
        let takes_address = ["url", "src", "image", "image-set"].iter().any(|function| {
            name.len() >= function.len()
                && name
                    .get(name.len() - function.len()..)
                    .is_some_and(|end| end.eq_ignore_ascii_case(function))
        });
        if takes_address {
            kept.push_str("data:,");
        }
        rest = after;
    }
    kept.push_str(rest);
    kept.replace("@import", "@-import").replace("@charset", "@-charset")
}

/// Declarations as they may stand in the frame's style sheet: nothing that ends the rule or the element.
pub(crate) fn declarations(style: &str) -> Option<String> {
    let harmless = !style.contains(['{', '}', '<', '@', '\\']) && !style.contains("/*");
    let style = style.trim();
    (harmless && !style.is_empty()).then(|| without_addresses(style))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("p", Fate::Keep)]
    #[case("td", Fate::Keep)]
    #[case("svg", Fate::Drop)]
    #[case("object", Fate::Drop)]
    #[case("script", Fate::Unwrap)]
    #[case("meta", Fate::Unwrap)]
    #[case("input", Fate::Unwrap)]
    #[case("form", Fate::Unwrap)]
    #[case("button", Fate::Unwrap)]
    #[case("o:p", Fate::Unwrap)]
    #[case("my-element", Fate::Unwrap)]
    fn elements(#[case] name: &str, #[case] fate: Fate) {
        assert_eq!(element(name), fate);
    }

    #[rstest]
    #[case("a", "href", "https://a.example", Attribute::Link)]
    #[case("a", "href", " HTTPS://a.example", Attribute::Link)]
    #[case("a", "href", "mailto:a@x.example", Attribute::Link)]
    #[case("a", "href", "javascript:alert(1)", Attribute::Drop)]
    #[case("a", "href", "java\tscript:alert(1)", Attribute::Drop)]
    #[case("a", "href", "data:text/html,x", Attribute::Drop)]
    #[case("a", "href", "/api/v1/session", Attribute::Drop)]
    #[case("a", "target", "_top", Attribute::Drop)]
    #[case("a", "ping", "https://a.example", Attribute::Drop)]
    #[case("img", "src", "https://a.example/p.png", Attribute::Picture)]
    #[case("img", "srcset", "https://a.example/p.png 2x", Attribute::Drop)]
    #[case("table", "background", "https://a.example/p.png", Attribute::Drop)]
    #[case("p", "style", "color: red", Attribute::Style)]
    #[case("p", "onclick", "alert(1)", Attribute::Drop)]
    #[case("td", "colspan", "2", Attribute::Keep)]
    #[case("div", "hidden", "", Attribute::Keep)]
    fn attributes(#[case] on: &str, #[case] name: &str, #[case] value: &str, #[case] fate: Attribute) {
        assert_eq!(attribute(on, name, value), fate);
    }

    #[rstest]
    #[case("cid:logo@x.example", Some("logo@x.example"))]
    #[case("CID:a%40b", Some("a@b"))]
    #[case("cid:100%", Some("100%"))]
    #[case("cid:%ff", None)]
    #[case("cid:", None)]
    #[case("https://x.example", None)]
    #[case("äöü", None)]
    fn content_ids(#[case] source: &str, #[case] id: Option<&str>) {
        assert_eq!(content_id(source).as_deref(), id);
    }

    #[rstest]
    #[case("data:image/png;base64,AAAA", true)]
    #[case("data:image/svg+xml,<svg/>", false)]
    #[case("data:text/html,x", false)]
    #[case("https://x.example/p.png", false)]
    fn picture_data(#[case] source: &str, #[case] shown: bool) {
        assert_eq!(is_picture_data(source), shown);
    }

    #[rstest]
    #[case(" color: red; ", Some("color: red;"))]
    #[case("color: red } body { display: none", None)]
    #[case("</style><script>", None)]
    #[case(
        "background: URL(https://x.example/p.png)",
        Some("background: URL(data:,https://x.example/p.png)")
    )]
    #[case("width: calc(1px + (2px))", Some("width: calc(1px + (2px))"))]
    #[case("", None)]
    fn style_declarations(#[case] style: &str, #[case] expected: Option<&str>) {
        assert_eq!(declarations(style).as_deref(), expected);
    }
}
