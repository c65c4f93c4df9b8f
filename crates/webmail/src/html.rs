//! An HTML mail made fit to be shown: taken apart by the browser's own parser in a document without
//! scripts or loading, walked through by the rules of [`crate::html_rules`], and written anew.

use std::fmt::Write;

use wasm_bindgen::JsCast;
use web_sys::{Document, DomParser, Element, Node, SupportedType};

use crate::html_rules::{self, Attribute, Fate};
use crate::message::escape;

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
}

/// Makes the frame's document. `picture` gives a `data:` URL for the Content-ID of a picture in the mail.
pub(crate) fn clean(html: &str, links: Links, picture: impl Fn(&str) -> Option<String>) -> Cleaned {
    let mut walk =
        Walk { links, picture, body: String::new(), rules: String::new(), styled: 0, pictures_left_out: 0 };
    let mut author_css = String::new();
    if let Some(parsed) = parse(html) {
        if let Ok(styles) = parsed.query_selector_all("style") {
            let texts = (0..styles.length()).filter_map(|at| styles.item(at)?.text_content());
            author_css = texts.collect::<Vec<_>>().join("\n");
        }
        if let Some(body) = parsed.body() {
            walk.element(&body);
        }
    }
    Cleaned {
        document: frame(&walk.body, &author_css, &walk.rules),
        pictures_left_out: walk.pictures_left_out,
    }
}

/// What an HTML mail says, as lines.
pub(crate) fn to_text(html: &str) -> String {
    let mut text = String::new();
    if let Some(body) = parse(html).and_then(|parsed| parsed.body()) {
        lines(&body, &mut text);
    }
    text.trim().to_owned()
}

fn parse(html: &str) -> Option<Document> {
    DomParser::new().ok()?.parse_from_string(html, SupportedType::TextHtml).ok()
}

fn lines(of: &Node, text: &mut String) {
    let mut child = of.first_child();
    while let Some(node) = child {
        match node.node_type() {
            Node::TEXT_NODE => html_rules::add_words(&node.node_value().unwrap_or_default(), text),
            Node::ELEMENT_NODE => {
                let name = node.node_name().to_ascii_lowercase();
                if name == "br" {
                    text.push('\n');
                } else if html_rules::element(&name) != Fate::Drop {
                    html_rules::begin_line(&name, text);
                    lines(&node, text);
                    html_rules::begin_line(&name, text);
                }
            }
            _ => {}
        }
        child = node.next_sibling();
    }
}

/// The document around the mail's content. Its policy comes on top of the page's, which it inherits; styles
/// arrive as `data:`, since inline ones are allowed nowhere.
fn frame(body: &str, author_css: &str, rules: &str) -> String {
    // What is in no layer wins over what is, as a `style` attribute wins over a style sheet.
    let css = format!("{BASE_CSS}\n@layer mail {{\n{author_css}\n}}\n{rules}");
    let css = String::from(js_sys::encode_uri_component(&css));
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src data:\">\
         <meta name=\"referrer\" content=\"no-referrer\"><base target=\"_blank\">\
         <link rel=\"stylesheet\" href=\"data:text/css;charset=utf-8,{css}\"></head><body>{body}</body></html>"
    )
}

/// Mail is written for light paper; it gets some, whatever the page's colours are.
const BASE_CSS: &str = "@layer base, mail; @layer base { :root { color-scheme: light; background: #fff; color: #1b2328; \
    font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, Inter, 'Noto Sans', 'DejaVu Sans', sans-serif; \
    overflow-wrap: anywhere; } body { margin: 16px; } img { max-width: 100%; height: auto; } \
    pre { white-space: pre-wrap; font: inherit; } a { color: #0b6080; } table { max-width: 100%; } \
    blockquote { margin: 0 0 0 8px; padding-left: 12px; border-left: 2px solid #dfe4e7; } }";

struct Walk<P> {
    links: Links,
    picture: P,
    body: String,
    rules: String,
    styled: u32,
    pictures_left_out: u32,
}

impl<P: Fn(&str) -> Option<String>> Walk<P> {
    fn children(&mut self, of: &Node) {
        let mut child = of.first_child();
        while let Some(node) = child {
            match node.node_type() {
                Node::TEXT_NODE => self.body.push_str(&escape(&node.node_value().unwrap_or_default())),
                Node::ELEMENT_NODE => {
                    if let Some(element) = node.dyn_ref() {
                        self.element(element);
                    }
                }
                _ => {}
            }
            child = node.next_sibling();
        }
    }

    fn element(&mut self, element: &Element) {
        let name = element.local_name();
        // The body becomes a box, so that its colours stay.
        let name = if name == "body" { "div" } else { name.as_str() };
        match html_rules::element(name) {
            Fate::Drop => {}
            Fate::Unwrap => self.children(element),
            Fate::Keep => {
                // Writing to a String cannot fail.
                let _ = write!(self.body, "<{name}");
                self.attributes(element, name);
                self.body.push('>');
                if !matches!(name, "br" | "hr" | "img" | "wbr" | "col") {
                    self.children(element);
                    let _ = write!(self.body, "</{name}>");
                }
            }
        }
    }

    fn attributes(&mut self, element: &Element, on: &str) {
        let list = element.attributes();
        for attribute in (0..list.length()).filter_map(|at| list.item(at)) {
            let (name, value) = (attribute.name(), attribute.value());
            match html_rules::attribute(on, &name, &value) {
                Attribute::Keep => self.write(&name, &value),
                Attribute::Style => self.style(&value),
                Attribute::Link => self.link(value.trim()),
                Attribute::Picture => self.source(&value),
                Attribute::Drop => {}
            }
        }
    }

    fn write(&mut self, name: &str, value: &str) {
        let _ = write!(self.body, " {name}=\"{}\"", escape(value));
    }

    fn style(&mut self, value: &str) {
        if let Some(declarations) = html_rules::declarations(value) {
            self.styled += 1;
            let _ = writeln!(self.rules, "[data-s=\"{}\"]{{{declarations}}}", self.styled);
            self.write("data-s", &self.styled.to_string());
        }
    }

    fn link(&mut self, target: &str) {
        if self.links == Links::Followable {
            self.write("href", target);
            self.write("target", "_blank");
            self.write("rel", "noopener noreferrer");
        }
    }

    fn source(&mut self, source: &str) {
        let own = html_rules::content_id(source).and_then(|id| (self.picture)(&id));
        let embedded = || html_rules::is_picture_data(source).then(|| source.trim().to_owned());
        match own.or_else(embedded) {
            Some(url) => self.write("src", &url),
            None => self.pictures_left_out += 1,
        }
    }
}
