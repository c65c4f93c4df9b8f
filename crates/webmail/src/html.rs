//! An HTML mail made fit to be shown: taken apart, and written anew by the rules of [`rules`].

pub(crate) mod rules;
mod token;

use std::fmt::Write;

use rules::{Attribute, Fate};
use token::{Tag, Token, Tokens};

/// Whether links in the mail can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// In a new tab that knows nothing of this page.
    Followable,
    /// As text: the mail is a forgery.
    Off,
}

/// What came of an HTML mail.
pub(crate) struct Cleaned {
    /// A whole document for the frame.
    pub(crate) document: String,
    /// How many pictures it wanted from elsewhere.
    pub(crate) pictures_left_out: u32,
    /// How high it may become, in lines of text: a frame that keeps its content to itself can't be measured.
    pub(crate) lines: usize,
}

/// Makes the frame's document. `picture` gives a `data:` URL for the Content-ID of a picture in the mail.
pub(crate) fn clean(html: &str, links: Links, picture: impl Fn(&str) -> Option<String>) -> Cleaned {
    let mut writer = Writer {
        links,
        picture,
        body: String::new(),
        author_css: String::new(),
        rules: String::new(),
        styled: 0,
        pictures_left_out: 0,
        lines: 0,
        endless: Vec::new(),
        open: Vec::new(),
    };
    let mut tokens = Tokens::of(html);
    while let Some(token) = tokens.next() {
        writer.add(token, &mut tokens);
    }
    Cleaned { document: writer.document(), pictures_left_out: writer.pictures_left_out, lines: writer.lines }
}

/// Mail is written for light paper; it gets some, whatever the page's colours are.
const BASE_CSS: &str = "@layer base, mail; @layer base { :root { color-scheme: light; background: #fff; color: #1b2328; \
    font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, Inter, 'Noto Sans', 'DejaVu Sans', sans-serif; \
    overflow-wrap: anywhere; } body { margin: 16px; } img { max-width: 100%; height: auto; } \
    pre { white-space: pre-wrap; font: inherit; } a { color: #0b6080; } table { max-width: 100%; } \
    blockquote { margin: 0 0 0 8px; padding-left: 12px; border-left: 2px solid #dfe4e7; } }";

struct Writer<P> {
    links: Links,
    picture: P,
    body: String,
    author_css: String,
    rules: String,
    styled: u32,
    pictures_left_out: u32,
    lines: usize,
    /// Elements that begin and never end, so that their end is looked for once.
    endless: Vec<String>,
    /// Elements whose end is still to come, outermost first.
    open: Vec<String>,
}

/// So many elements may lie in one another; of deeper ones only the content is kept. Browsers take minutes for documents
/// that nest without end.
const DEEPEST: usize = 200;

impl<P: Fn(&str) -> Option<String>> Writer<P> {
    fn add(&mut self, token: Token<'_>, tokens: &mut Tokens<'_>) {
        match token {
            Token::Text(text) => self.text(text),
            Token::Raw { name, content } if name == "style" => {
                self.author_css.push_str(content);
                self.author_css.push('\n');
            }
            Token::Raw { .. } => {}
            Token::Start(tag) => self.start(&tag, tokens),
            Token::End(name) => {
                let name = shown_name(&name);
                if rules::element(name) == Fate::Keep && !rules::is_void(name) {
                    self.end(name);
                }
            }
        }
    }

    fn start(&mut self, tag: &Tag<'_>, tokens: &mut Tokens<'_>) {
        let name = shown_name(&tag.name);
        match rules::element(name) {
            Fate::Unwrap => {}
            Fate::Drop => {
                let ends = !tag.closes_itself && !self.endless.iter().any(|endless| endless == name);
                if ends && !tokens.skip_element(name) {
                    self.endless.push(name.to_owned());
                }
            }
            Fate::Keep if name == "img" => self.picture(tag),
            Fate::Keep => {
                self.lines += rules::lines(name);
                if !self.opens(name) {
                    return;
                }
                // Writing to a String cannot fail.
                let _ = write!(self.body, "<{name}");
                for (attribute, value) in &tag.attributes {
                    self.attribute(name, attribute, value);
                }
                self.body.push('>');
            }
        }
    }

    /// Ends what the element's start ends, and says whether the element itself may be written. So what is written is
    /// nested as `open` says, and a browser has nothing to mend: that is what takes them so long.
    fn opens(&mut self, name: &str) -> bool {
        if rules::is_of_table(name) && !self.open.iter().any(|open| open == "table") {
            return false;
        }
        if let Some(ends) = rules::ends_before(name) {
            let within = self.innermost(ends.within);
            let mut inside = self.open.iter().skip(within);
            let is_one = |open: &String| ends.elements.is_empty() || ends.elements.contains(&&**open);
            if let Some(at) = inside.position(is_one) {
                self.end_from(within + at);
            }
        }
        let is_void = rules::is_void(name);
        let fits = is_void || self.open.len() < DEEPEST;
        if fits && !is_void {
            self.open.push(name.to_owned());
        }
        fits
    }

    /// Ends an element that is open, and all that is open in it.
    fn end(&mut self, name: &str) {
        let within = self.innermost(rules::holds(name));
        let found = self.open.iter().skip(within).rposition(|open| open == name);
        if let Some(at) = found {
            self.end_from(within + at);
        }
    }

    /// Where what is open in the innermost of these begins.
    fn innermost(&self, of: &[&str]) -> usize {
        self.open.iter().rposition(|open| of.contains(&&**open)).map_or(0, |at| at + 1)
    }

    fn end_from(&mut self, at: usize) {
        for open in self.open.drain(at..).rev() {
            // Writing to a String cannot fail.
            let _ = write!(self.body, "</{open}>");
        }
    }

    fn attribute(&mut self, on: &str, name: &str, value: &str) {
        match rules::attribute(on, name, value) {
            Attribute::Keep => self.write(name, value),
            Attribute::Style => self.style(value),
            Attribute::Link if self.links == Links::Followable => {
                self.write("href", value.trim());
                self.body.push_str(" target=\"_blank\" rel=\"noopener noreferrer\"");
            }
            Attribute::Link | Attribute::Picture | Attribute::Drop => {}
        }
    }

    /// Writes an attribute as it was written, but for its quotes.
    fn write(&mut self, name: &str, value: &str) {
        let value = value.replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = write!(self.body, " {name}=\"{value}\"");
    }

    /// Inline styles are allowed nowhere; they become rules of the frame's style sheet.
    fn style(&mut self, value: &str) {
        if let Some(declarations) = rules::declarations(value) {
            self.styled += 1;
            let _ = writeln!(self.rules, "[data-s=\"{}\"]{{{declarations}}}", self.styled);
            let _ = write!(self.body, " data-s=\"{}\"", self.styled);
        }
    }

    /// A picture that comes with the mail is shown; of another one, what its author wrote to stand for it.
    fn picture(&mut self, tag: &Tag<'_>) {
        let value =
            |wanted: &str| tag.attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
        let source = value("src").unwrap_or_default();
        let own = rules::content_id(source).and_then(|id| (self.picture)(&id));
        let embedded = || rules::is_picture_data(source).then(|| source.trim().to_owned());
        match own.or_else(embedded) {
            Some(url) => {
                self.lines += 4;
                self.body.push_str("<img");
                self.write("src", &url);
                for (attribute, value) in &tag.attributes {
                    self.attribute("img", attribute, value);
                }
                self.body.push('>');
            }
            None => {
                self.pictures_left_out += u32::from(!source.trim().is_empty());
                if let Some(alt) = value("alt").filter(|alt| !alt.trim().is_empty()) {
                    self.text(&format!("[{alt}]"));
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.lines += text.len() / 80;
        // Character references stay, so that `&` does.
        self.body.push_str(&text.replace('<', "&lt;").replace('>', "&gt;"));
    }

    /// The document around the mail's content. Its policy comes on top of the page's, which it inherits.
    fn document(&self) -> String {
        // What is in no layer wins over what is, as a `style` attribute wins over a style sheet.
        let author_css = rules::without_addresses(&self.author_css);
        let css = format!("{BASE_CSS}\n@layer mail {{\n{author_css}\n}}\n{}", self.rules);
        format!(
            "<!doctype html><html><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src data:\">\
             <meta name=\"referrer\" content=\"no-referrer\"><base target=\"_blank\">\
             <link rel=\"stylesheet\" href=\"data:text/css;charset=utf-8,{}\"></head><body>{}</body></html>",
            percent_encoded(&css),
            self.body
        )
    }
}

/// The body becomes a box, so that its colours stay.
fn shown_name(name: &str) -> &str {
    if name == "body" { "div" } else { name }
}

/// As the content of a `data:` URL (RFC 2397, RFC 3986 §2.1).
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~:;,()*!".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Plain text as a body beside HTML.
pub(crate) fn of_text(text: &str) -> String {
    format!("<pre>{}</pre>", text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn body(html: &str, links: Links) -> String {
        let picture = |id: &str| (id == "p1").then(|| "data:image/png;base64,AAAA".to_owned());
        let document = clean(html, links, picture).document;
        let (_, body) = document.split_once("<body>").expect("a body");
        body.strip_suffix("</body></html>").expect("its end").to_owned()
    }

    #[rstest]
    #[case::text("1 < 2 &amp; &lt;b&gt;", "1 &lt; 2 &amp; &lt;b&gt;")]
    #[case::kept("<p align=center>a<BR>b</p>", "<p align=\"center\">a<br>b</p>")]
    #[case::unwrapped("<html><head><title>t</title></head><form action=x>a</form><o:p>b</o:p>", "ab")]
    #[case::body("<body bgcolor='#fff'>a</body>", "<div bgcolor=\"#fff\">a</div>")]
    #[case::script("a<script>alert('<b>')</script>b", "ab")]
    #[case::unclosed_script("a<script>b", "a")]
    #[case::svg("a<svg><p>x</p><script>y</script></svg>b", "ab")]
    #[case::unclosed_svg("a<svg><p>x</p>", "a<p>x</p>")]
    #[case::handlers("<p onclick=\"a()\" ONLOAD=b>x</p>", "<p>x</p>")]
    #[case::frame("<iframe src=/api/v1/session>x</iframe>y", "y")]
    #[case::meta("<meta http-equiv=refresh content='0;url=http://x.example'>y", "y")]
    #[case::base("<base href=http://x.example>y", "y")]
    #[case::script_link("<a href=\"javascript:x\">y</a>", "<a>y</a>")]
    #[case::hidden_scheme("<a href='java&#115;cript:x'>y</a>", "<a>y</a>")]
    #[case::quote_in_value(
        "<p title='\"><script>x</script>'>y",
        "<p title=\"&quot;&gt;&lt;script&gt;x&lt;/script&gt;\">y"
    )]
    #[case::own_picture("<img src=cid:p1>", "<img src=\"data:image/png;base64,AAAA\">")]
    #[case::comment("a<!-- <p> -->b", "ab")]
    #[case::conditional("<!--[if mso]><table><![endif]-->b", "b")]
    #[case::their_picture("a<img alt=\"a logo\" src=https://x.example/>b", "a[a logo]b")]
    #[case::cut_tag("a<img src=\"x", "a")]
    fn what_is_shown(#[case] html: &str, #[case] expected: &str) {
        assert_eq!(body(html, Links::Followable), expected);
    }

    #[test]
    fn links_open_elsewhere_or_nowhere() {
        let html = "<a href='https://x.example/?a=1&amp;b=\"' target=_top>y</a>";
        let followable = "<a href=\"https://x.example/?a=1&amp;b=&quot;\" target=\"_blank\" rel=\"noopener noreferrer\">y</a>";
        assert_eq!(body(html, Links::Followable), followable);
        assert_eq!(body(html, Links::Off), "<a>y</a>");
    }

    #[test]
    fn pictures_from_elsewhere_are_left_out_and_counted() {
        let html = "<img src=https://x.example/p.png alt=x><img src=cid:other><img src=//x.example/p.png><img src=cid:p1>";
        let cleaned =
            clean(html, Links::Followable, |id| (id == "p1").then(|| "data:image/png;base64,".into()));
        assert_eq!(cleaned.pictures_left_out, 3);
        assert!(!cleaned.document.contains("x.example"), "{}", cleaned.document);
    }

    #[test]
    fn styles_go_into_the_style_sheet() {
        let html = "<style>p { color: red } </style><p style=\"color: blue\">x</p>";
        let cleaned = clean(html, Links::Followable, |_| None);
        assert!(cleaned.document.contains("<p data-s=\"1\">x</p>"), "{}", cleaned.document);
        assert!(cleaned.document.contains("p%20%7B%20color:%20red%20%7D"), "{}", cleaned.document);
        assert!(
            cleaned.document.contains("%5Bdata-s%3D%221%22%5D%7Bcolor:%20blue%7D"),
            "{}",
            cleaned.document
        );
    }

    /// Whatever comes in, the only things that begin with `<` are the elements that may.
    #[rstest]
    #[case("<<script>script>alert(1)<</script>/script>")]
    #[case("<p <script>alert(1)</script>>")]
    #[case("<a href=\"x\"\"><img src=x onerror=alert(1)>\">")]
    #[case("<math><mi><style></math><img src onerror=alert(1)></style>")]
    #[case("<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">")]
    #[case("<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\">")]
    #[case("<p/onclick=alert(1)/x>")]
    #[case("<style><!--</style><img src=x onerror=alert(1)>--></style>")]
    #[case("<scr\0ipt>alert(1)</scr\0ipt>")]
    #[case("<svg/onload=alert(1)>")]
    #[case("<x\u{a0}onload=alert(1)>")]
    fn nothing_slips_through(#[case] html: &str) {
        let body = body(html, Links::Followable);
        for piece in body.split('<').skip(1) {
            let tag = piece.split('>').next().unwrap_or_default().trim_start_matches('/');
            let mut words = tag.split(' ');
            let name = words.next().unwrap_or_default();
            assert_eq!(rules::element(name), Fate::Keep, "{body}");
            let outside_quotes: String = tag.split('"').step_by(2).collect();
            assert!(!outside_quotes.contains("on"), "{body}");
        }
    }

    #[rstest]
    #[case::as_meant("<b><i>a</i></b>", "<b><i>a</i></b>")]
    #[case::crossed("<b><i>a</b>b</i>c", "<b><i>a</i></b>bc")]
    #[case::nothing_to_end("a</div>b", "ab")]
    #[case::by_themselves("<ul><li>a<li>b</ul><p>c<p>d</p>", "<ul><li>a</li><li>b</li></ul><p>c</p><p>d</p>")]
    #[case::cells(
        "<table><b>a<tr><td>b<td><font>c<tr><th>d</table>",
        "<table><b>a</b><tr><td>b</td><td><font>c</font></td></tr><tr><th>d</th></tr></table>"
    )]
    #[case::no_table("<td>a</tr>b", "ab")]
    #[case::fonts("<p><font>a<p>b", "<p><font>a</font></p><p>b")]
    #[case::links("<a>a<a>b", "<a>a</a><a>b")]
    #[case::list_in_list("<li>a<ul><li>b</ul><li>c", "<li>a<ul><li>b</li></ul></li><li>c")]
    #[case::terms("<dl><dt>a<dd>b<dt>c</dl>", "<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>")]
    #[case::out_of_a_cell(
        "<div><table><tr><td>a</div>b</td></tr></table></div>",
        "<div><table><tr><td>ab</td></tr></table></div>"
    )]
    fn what_is_written_is_nested(#[case] html: &str, #[case] expected: &str) {
        assert_eq!(body(html, Links::Followable), expected);
    }

    #[rstest]
    #[case(&"<div><b><i>x".repeat(1_000))]
    #[case(&"<b><div></b>x".repeat(1_000))]
    #[case(&format!("<b>{}", "<div></b>x".repeat(1_000)))]
    #[case(&"<table><tr><td></table></td>x<div>".repeat(1_000))]
    #[case(&"<dd><li>x".repeat(1_000))]
    fn nothing_nests_without_end(#[case] html: &str) {
        let body = body(html, Links::Followable);
        assert_eq!(body.matches('x').count(), 1_000, "the text is kept");
        let (mut depth, mut deepest) = (0_i32, 0);
        for piece in body.split('<').skip(1) {
            let name = piece.split(['>', ' ']).next().unwrap_or_default();
            depth += if name.starts_with('/') { -1 } else { 1 };
            deepest = deepest.max(depth);
        }
        assert!(deepest <= 200, "{deepest}");
    }

    #[test]
    fn many_elements_that_never_end_take_no_time() {
        let html = "<svg><math><p>".repeat(50_000);
        assert_eq!(body(&html, Links::Followable).len(), 50_000 * "<p></p>".len() - "</p>".len());
    }
}
