//! Message-IDs as people and programs write them.

/// Octets of a Message-ID: what fits on a line (RFC 5322 §2.1.1).
const LONGEST: usize = 996;

/// The id without `<>` and surrounding white space, if it is `left@right` of visible characters (RFC 5322 §3.6.4).
pub fn parse(text: &str) -> Option<&str> {
    let text = text.trim();
    let id = match text.strip_prefix('<') {
        Some(opened) => opened.strip_suffix('>')?,
        None => text,
    };
    let visible = |c: char| !c.is_whitespace() && !c.is_control() && !"<>".contains(c);
    let (left, right) = id.rsplit_once('@')?;
    let sound = !left.is_empty() && !right.is_empty() && id.len() <= LONGEST && id.chars().all(visible);
    sound.then_some(id)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::parse;

    #[rstest]
    #[case("<a.1@home.example>", Some("a.1@home.example"))]
    #[case("a.1@home.example", Some("a.1@home.example"))]
    #[case(" <a@[192.0.2.1]> ", Some("a@[192.0.2.1]"))]
    #[case("<a@b", None)]
    #[case("a@b>", None)]
    #[case("<<a@b>>", None)]
    #[case("a b@c", None)]
    #[case("a@b\r\nBcc: x@y.example", None)]
    #[case("nothing", None)]
    #[case("@b", None)]
    #[case("a@", None)]
    #[case("<>", None)]
    #[case("", None)]
    fn with_or_without_brackets(#[case] text: &str, #[case] id: Option<&str>) {
        assert_eq!(parse(text), id);
    }

    #[test]
    fn too_long() {
        assert_eq!(parse(&format!("{}@b", "a".repeat(1000))), None);
    }
}
