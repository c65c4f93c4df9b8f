//! The TXT record that announces a policy.

/// What a record begins with that is to be looked at among several (RFC 8461 §3.1).
const BEGINNING: &str = "v=STSv1;";

/// The `id` that the TXT records at `_mta-sts.DOMAIN` announce, each record's strings concatenated; `None` if they
/// announce no policy: there is not exactly one that begins like one, or it breaks the grammar (RFC 8461 §3.1).
pub fn sts_id<S: AsRef<str>>(records: &[S]) -> Option<&str> {
    if let [only] = records {
        return parse(only.as_ref());
    }
    let mut announcing = records.iter().map(AsRef::as_ref).filter(|record| record.starts_with(BEGINNING));
    let first = announcing.next()?;
    if announcing.next().is_some() { None } else { parse(first) }
}

fn parse(record: &str) -> Option<&str> {
    let fields = record.strip_prefix("v=STSv1")?.trim_start_matches(is_wsp).strip_prefix(';')?;
    let mut fields = fields.split(';').peekable();
    let mut id = None;
    while let Some(field) = fields.next() {
        let mut field = field.trim_start_matches(is_wsp);
        if fields.peek().is_some() {
            // Space belongs to the delimiter that follows.
            field = field.trim_end_matches(is_wsp);
        } else if field.is_empty() {
            break;
        }
        let (name, value) = field.split_once('=')?;
        if !is_name(name) || !is_value(value) {
            return None;
        }
        // §3.2: the first counts.
        if name == "id" && id.is_none() {
            id = Some(value);
        }
    }
    id.filter(|id| id.len() <= 32 && id.bytes().all(|octet| octet.is_ascii_alphanumeric()))
}

fn is_wsp(char: char) -> bool {
    matches!(char, ' ' | '\t')
}

/// The name of a field, in a record or a policy file.
pub(super) fn is_name(name: &str) -> bool {
    let mut octets = name.bytes();
    octets.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && name.len() <= 32
        && octets.all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.'))
}

fn is_value(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_graphic() && !matches!(octet, b'=' | b';'))
}
