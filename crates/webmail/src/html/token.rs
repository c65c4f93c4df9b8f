//! HTML cut into tags and text. What is made of them is written anew, every `<` by us: should a browser cut
//! differently, something is shown otherwise, but nothing slips through.

/// A piece of HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token<'x> {
    /// Text as written, with its character references.
    Text(&'x str),
    /// `<name …>`
    Start(Tag<'x>),
    /// `</name>`, in lower case.
    End(String),
    /// What stands in an element whose content is no HTML.
    Raw {
        /// The element: `style` or another.
        name: String,
        /// Its content.
        content: &'x str,
    },
}

/// A start tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag<'x> {
    /// In lower case.
    pub(crate) name: String,
    /// Names in lower case, values as written.
    pub(crate) attributes: Vec<(String, &'x str)>,
    /// Whether it ends with `/>`.
    pub(crate) closes_itself: bool,
}

/// Elements whose content is no HTML (HTML §13.2.5.2 to §13.2.5.5).
const RAW: [&str; 8] = ["iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"];

/// Cuts HTML into tokens, in one pass.
pub(crate) struct Tokens<'x> {
    rest: &'x str,
}

impl<'x> Tokens<'x> {
    pub(crate) fn of(html: &'x str) -> Self {
        Self { rest: html }
    }

    /// Passes over everything up to and including the end of the element that has just begun. Where that
    /// never ends, nothing is passed over.
    ///
    /// Answers whether it ended.
    pub(crate) fn skip_element(&mut self, name: &str) -> bool {
        let mut ahead = Tokens { rest: self.rest };
        let mut depth = 1_usize;
        while let Some(token) = ahead.next() {
            match token {
                Token::Start(tag) if tag.name == name && !tag.closes_itself => depth += 1,
                Token::End(end) if end == name => depth -= 1,
                Token::Text(_) | Token::Start(_) | Token::End(_) | Token::Raw { .. } => {}
            }
            if depth == 0 {
                self.rest = ahead.rest;
                return true;
            }
        }
        false
    }

    /// Takes so many bytes.
    fn take(&mut self, length: usize) -> &'x str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Takes characters as long as they fit.
    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'x str {
        self.take(self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len()))
    }

    /// Takes everything up to the first of these, and them.
    fn skip_past(&mut self, end: &str) {
        let length = self.rest.find(end).map_or(self.rest.len(), |at| at + end.len());
        self.take(length);
    }

    fn start_tag(&mut self) -> Token<'x> {
        self.take(1);
        let name = self.take_while(in_name).to_ascii_lowercase();
        let mut tag = Tag { name, attributes: Vec::new(), closes_itself: false };
        loop {
            let between = self.take_while(|c| c.is_ascii_whitespace() || c == '/');
            if self.rest.is_empty() || self.rest.starts_with('>') {
                tag.closes_itself = between.ends_with('/');
                self.take(1);
                break;
            }
            let attribute = self.attribute();
            tag.attributes.push(attribute);
        }
        if RAW.contains(&tag.name.as_str()) {
            let content = self.raw_content(&tag.name);
            return Token::Raw { name: tag.name, content };
        }
        Token::Start(tag)
    }

    fn attribute(&mut self) -> (String, &'x str) {
        // A name may begin with any character, even `=`.
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        let rest = self.rest.get(first..).unwrap_or_default();
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=');
        let length = first + rest.find(ends).unwrap_or(rest.len());
        let name = self.take(length).to_ascii_lowercase();
        let after = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let Some(value) = after.strip_prefix('=') else { return (name, "") };
        self.rest = value.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let value = match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                self.take(1);
                let value = self.take_while(|c| c != quote);
                self.take(1);
                value
            }
            _ => self.take_while(|c| !c.is_ascii_whitespace() && c != '>'),
        };
        (name, value)
    }

    /// Everything up to the element's end tag, which is taken too.
    fn raw_content(&mut self, name: &str) -> &'x str {
        let whole = self.rest;
        let mut from = 0;
        while let Some(at) = whole.get(from..).and_then(|rest| rest.find("</")).map(|at| from + at) {
            let after = whole.get(at + 2..).unwrap_or_default();
            let is_end = after.get(..name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name))
                && !after.get(name.len()..).is_some_and(|rest| rest.starts_with(in_name));
            if is_end {
                self.take(at);
                self.skip_past(">");
                return whole.get(..at).unwrap_or_default();
            }
            from = at + 2;
        }
        self.rest = "";
        whole
    }
}

/// Whether a character may stand within a tag's name.
fn in_name(c: char) -> bool {
    !c.is_ascii_whitespace() && !matches!(c, '/' | '>')
}

impl<'x> Iterator for Tokens<'x> {
    type Item = Token<'x>;

    fn next(&mut self) -> Option<Token<'x>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            if !self.rest.starts_with('<') {
                return Some(Token::Text(self.take_while(|c| c != '<')));
            }
            let after = self.rest.get(1..).unwrap_or_default();
            if after.starts_with(|c: char| c.is_ascii_alphabetic()) {
                return Some(self.start_tag());
            }
            if after.starts_with("!--") {
                self.take(4);
                self.skip_past("-->");
            } else if after.starts_with(['!', '?']) {
                self.skip_past(">");
            } else if let Some(end) = after.strip_prefix('/') {
                let is_tag = end.starts_with(|c: char| c.is_ascii_alphabetic());
                self.take(2);
                let name = self.take_while(in_name).to_ascii_lowercase();
                self.skip_past(">");
                if is_tag {
                    return Some(Token::End(name));
                }
            } else {
                return Some(Token::Text(self.take(1)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn start<'x>(name: &str, attributes: &[(&str, &'x str)]) -> Token<'x> {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        Token::Start(Tag { name: name.to_owned(), attributes, closes_itself: false })
    }

    fn end(name: &str) -> Token<'static> {
        Token::End(name.to_owned())
    }

    #[rstest]
    #[case("a<B>b</B >c", vec![Token::Text("a"), start("b", &[]), Token::Text("b"), end("b"), Token::Text("c")])]
    #[case("<a HREF='x y' b=c d>", vec![start("a", &[("href", "x y"), ("b", "c"), ("d", "")])])]
    #[case("<a b = \"<>'\" / c=d/e>", vec![start("a", &[("b", "<>'"), ("c", "d/e")])])]
    #[case("1 < 2 & <3", vec![Token::Text("1 "), Token::Text("<"), Token::Text(" 2 & "), Token::Text("<"), Token::Text("3")])]
    #[case("a<!-- <b> -- > -->c<!doctype html><?xml ?>d", vec![Token::Text("a"), Token::Text("c"), Token::Text("d")])]
    #[case("<style>a > b</STYLE x>c", vec![Token::Raw { name: "style".into(), content: "a > b" }, Token::Text("c")])]
    #[case("<script></scripts></script>x", vec![Token::Raw { name: "script".into(), content: "</scripts>" }, Token::Text("x")])]
    #[case("<title>unfinished", vec![Token::Raw { name: "title".into(), content: "unfinished" }])]
    #[case("<p class=", vec![start("p", &[("class", "")])])]
    #[case("<p class=\"unfinished", vec![start("p", &[("class", "unfinished")])])]
    #[case("<o:p></o:p>", vec![start("o:p", &[]), end("o:p")])]
    #[case("</><//x>a", vec![Token::Text("a")])]
    #[case("<a =x>", vec![start("a", &[("=x", "")])])]
    #[case("<!--", vec![])]
    #[case("<", vec![Token::Text("<")])]
    fn tokens(#[case] html: &str, #[case] expected: Vec<Token<'_>>) {
        assert_eq!(Tokens::of(html).collect::<Vec<_>>(), expected);
    }

    #[rstest]
    #[case("a<svg>b</svg>c</svg>d", true, "d")]
    #[case("a<svg/>b</svg>c", true, "c")]
    #[case("a<svg>b</svg>c", false, "a<svg>b</svg>c")]
    fn skips_elements(#[case] html: &str, #[case] ended: bool, #[case] rest: &str) {
        let mut tokens = Tokens::of(html);
        assert_eq!((tokens.skip_element("svg"), tokens.rest), (ended, rest));
    }
}
