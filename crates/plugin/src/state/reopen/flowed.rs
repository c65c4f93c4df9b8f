//! Text whose lines were broken for the way only (RFC 3676).

/// Joins the lines that `format=flowed` broke. `del_sp`: the space at a line's end was added for the break (§4.3).
pub(super) fn join(text: &str, del_sp: bool) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for (at, line) in text.split('\n').enumerate() {
        let depth = line.bytes().take_while(|&byte| byte == b'>').count();
        // §4.4: a space before a line that would otherwise look quoted
        let content = line[depth..].strip_prefix(' ').unwrap_or(&line[depth..]);
        let is_signature = content == "-- ";
        match open {
            Some(before) if before == depth && !is_signature => {}
            Some(_) => start(&mut joined, "\n", depth),
            None if at == 0 => start(&mut joined, "", depth),
            None => start(&mut joined, "\n", depth),
        }
        let flows = content.ends_with(' ') && !is_signature;
        joined.push_str(if flows && del_sp { &content[..content.len() - 1] } else { content });
        open = flows.then_some(depth);
    }
    joined
}

fn start(joined: &mut String, line_end: &str, depth: usize) {
    joined.push_str(line_end);
    joined.extend(std::iter::repeat_n('>', depth));
    if depth > 0 {
        joined.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("a\nb", "a\nb")]
    #[case::joined("a \nb \nc\nd", "a b c\nd")]
    #[case::signature("a\n-- \nb", "a\n-- \nb")]
    #[case::signature_after_open_line("a \n-- \nb", "a \n-- \nb")]
    #[case::stuffed(" >a\n From b", ">a\nFrom b")]
    #[case::quoted("> a \n> b\nc", "> a b\nc")]
    #[case::quote_depth_changes("> a \n>> b", "> a \n>> b")]
    #[case::empty_lines("a\n\nb\n", "a\n\nb\n")]
    #[case::leading_empty_line("\na", "\na")]
    #[case::nothing("", "")]
    fn lines(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(join(text, false), expected);
    }

    #[test]
    fn del_sp_drops_the_space_of_the_break() {
        assert_eq!(join("in \nterest", true), "interest");
    }
}
