//! Plain text as it stands on the page: links found, everything else as written.

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    /// An address that begins with `http://` or `https://`.
    Link(String),
}

/// Finds the web addresses in a text. Nothing is lost: the pieces in a row are the text.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = 0;
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find("http")).map(|at| at + from) {
        let length = link_length(text.get(found..).unwrap_or_default());
        let begins_a_word = !text.get(..found).is_some_and(|before| before.ends_with(char::is_alphanumeric));
        from = found + length.max("http".len());
        if length > 0 && begins_a_word {
            push_text(&mut pieces, text, plain..found);
            pieces.extend(text.get(found..from).map(|link| Piece::Link(link.into())));
            plain = from;
        }
    }
    push_text(&mut pieces, text, plain..text.len());
    pieces
}

fn push_text(pieces: &mut Vec<Piece>, text: &str, range: std::ops::Range<usize>) {
    if let Some(text) = text.get(range).filter(|text| !text.is_empty()) {
        pieces.push(Piece::Text(text.into()));
    }
}

/// How many bytes at the start are a link; 0 when none.
fn link_length(text: &str) -> usize {
    let Some(scheme) = ["http://", "https://"].into_iter().find(|scheme| text.starts_with(scheme)) else {
        return 0;
    };
    let ends = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '`' | '|');
    let whole = &text[..text.find(ends).unwrap_or(text.len())];
    // What closes a sentence or a bracket around the link is not part of it.
    let mut link = whole;
    let mut unopened = [('(', ')'), ('[', ']'), ('{', '}')].map(|(open, close)| {
        (close, whole.matches(close).count().saturating_sub(whole.matches(open).count()))
    });
    while let Some(last) = link.chars().next_back() {
        let bracket = unopened.iter_mut().find(|(close, left)| *close == last && *left > 0);
        let punctuation =
            matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '“' | '”' | '’' | '»' | '*' | '_');
        match bracket {
            Some((_, left)) => *left -= 1,
            None if punctuation => {}
            None => break,
        }
        link = &link[..link.len() - last.len_utf8()];
    }
    if link.len() > scheme.len() { link.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn links(text: &str) -> Vec<String> {
        let link = |piece| match piece {
            Piece::Link(link) => Some(link),
            Piece::Text(_) => None,
        };
        pieces(text).into_iter().filter_map(link).collect()
    }

    #[rstest]
    #[case("see https://a.example/x.", &["https://a.example/x"])]
    #[case("(https://a.example/x_(y))", &["https://a.example/x_(y)"])]
    #[case("<http://a.example>, http://b.example;", &["http://a.example", "http://b.example"])]
    #[case("xhttp://a.example", &[])]
    #[case("http:// and https", &[])]
    #[case("„https://ä.example/ü“", &["https://ä.example/ü"])]
    #[case("javascript:alert(1)", &[])]
    #[case("", &[])]
    fn finds_links(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(links(text), expected);
    }

    #[rstest]
    #[case("a https://x.example/, b\r\n> c http://y.example")]
    #[case("httphttphttp://http://")]
    #[case("ähttp://é")]
    fn loses_nothing(#[case] text: &str) {
        let whole: String = pieces(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) | Piece::Link(text) => text,
            })
            .collect();
        assert_eq!(whole, text);
    }

    #[test]
    fn a_long_run_of_closing_brackets_is_cut_quickly() {
        let text = format!("http://a{}", ")".repeat(20_000));
        assert_eq!(links(&text), ["http://a"]);
    }
}
