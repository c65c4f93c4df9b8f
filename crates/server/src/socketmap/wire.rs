//! The protocol: requests and replies as netstrings, `[length]":"[octets]","` (socketmap_table(5)).

use std::{fmt, io};

use bytes::{Buf, Bytes, BytesMut};

/// Octets of a netstring's content: Postfix sends and takes no more.
const LARGEST: usize = 100_000;

/// Digits of [`LARGEST`].
const DIGITS: usize = 6;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    /// The table's name.
    pub(super) map: &'a str,
    /// What is looked for.
    pub(super) key: &'a str,
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply<'a> {
    /// The key is there, with this value.
    Ok(&'a str),
    /// It is not.
    NotFound,
    /// Ask again later.
    Temp(&'a str),
    /// The request is wrong.
    Perm(&'a str),
}

impl fmt::Display for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok(value) => write!(f, "OK {value}"),
            // With a space and nothing behind it: Postfix splits there.
            Self::NotFound => f.write_str("NOTFOUND "),
            Self::Temp(reason) => write!(f, "TEMP {reason}"),
            Self::Perm(reason) => write!(f, "PERM {reason}"),
        }
    }
}

impl<'a> Request<'a> {
    /// Reads `map SP key`; `None` if it is something else, or no UTF-8.
    pub(super) fn parse(content: &'a [u8]) -> Option<Self> {
        let (map, key) = std::str::from_utf8(content).ok()?.split_once(' ')?;
        (!map.is_empty()).then_some(Self { map, key })
    }
}

/// Takes the first netstring out of `input`, if all of it is there.
///
/// # Errors
/// When that is none, or a longer one than Postfix's; the connection is of no more use then.
pub(super) fn take(input: &mut BytesMut) -> io::Result<Option<Bytes>> {
    let bad =
        || io::Error::new(io::ErrorKind::InvalidData, "no netstring, or one of more than 100,000 octets");
    let digits = input.iter().take_while(|octet| octet.is_ascii_digit()).count();
    if digits > DIGITS {
        return Err(bad());
    }
    match input.get(digits) {
        None => return Ok(None),
        Some(b':') => {}
        Some(_) => return Err(bad()),
    }
    let length: usize =
        std::str::from_utf8(&input[..digits]).ok().and_then(|text| text.parse().ok()).ok_or_else(bad)?;
    if length > LARGEST {
        return Err(bad());
    }
    match input.get(digits + 1 + length) {
        None => Ok(None),
        Some(b',') => {
            input.advance(digits + 1);
            let content = input.split_to(length).freeze();
            input.advance(1);
            Ok(Some(content))
        }
        Some(_) => Err(bad()),
    }
}

/// Wraps a text.
pub(super) fn netstring(text: &str) -> Vec<u8> {
    format!("{}:{text},", text.len()).into_bytes()
}

/// The address in a key of Postfix's `sender_dependent_…_maps`; `None` for those that stand for others: the null sender
/// (`<>`, also quoted) and a domain (`@example.org`).
pub(super) fn address(key: &str) -> Option<&str> {
    let unquoted = key.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(key);
    let bare = unquoted.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(unquoted);
    // A quoted local part keeps its quotes: `"a b"@example.org` does not end with one.
    match bare.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => Some(bare),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn taken(input: &[u8]) -> Result<Option<Vec<u8>>, io::ErrorKind> {
        let mut input = BytesMut::from(input);
        take(&mut input).map(|taken| taken.map(|octets| octets.to_vec())).map_err(|error| error.kind())
    }

    #[rstest]
    #[case::whole(b"5:hello,", Ok(Some(&b"hello"[..])))]
    #[case::empty(b"0:,", Ok(Some(&b""[..])))]
    #[case::not_yet(b"5:hell", Ok(None))]
    #[case::no_end_yet(b"5:hello", Ok(None))]
    #[case::length_not_yet(b"12", Ok(None))]
    #[case::nothing_yet(b"", Ok(None))]
    #[case::another_end(b"5:hello;", Err(io::ErrorKind::InvalidData))]
    #[case::no_length(b":,", Err(io::ErrorKind::InvalidData))]
    #[case::negative(b"-1:,", Err(io::ErrorKind::InvalidData))]
    #[case::too_long(b"100001:x", Err(io::ErrorKind::InvalidData))]
    #[case::far_too_long(b"99999999999999999999", Err(io::ErrorKind::InvalidData))]
    #[case::smtp(b"EHLO x\r\n", Err(io::ErrorKind::InvalidData))]
    fn netstrings(#[case] input: &[u8], #[case] expected: Result<Option<&[u8]>, io::ErrorKind>) {
        assert_eq!(taken(input), expected.map(|some| some.map(<[u8]>::to_vec)));
    }

    #[test]
    fn the_largest_is_taken() {
        let text = "x".repeat(LARGEST);
        assert_eq!(taken(&netstring(&text)), Ok(Some(text.into_bytes())));
    }

    #[rstest]
    #[case::a_sender("sdt alice@example.org", Some("alice@example.org"))]
    #[case::with_spaces("sdt \"a b\"@example.org", Some("\"a b\"@example.org"))]
    #[case::no_key("sdt", None)]
    #[case::no_map(" key", None)]
    #[case::empty_key("sdt ", Some(""))]
    fn requests(#[case] content: &str, #[case] key: Option<&str>) {
        assert_eq!(Request::parse(content.as_bytes()).map(|request| request.key), key);
    }

    #[rstest]
    #[case("alice@example.org", Some("alice@example.org"))]
    #[case("alice+x@example.org", Some("alice+x@example.org"))]
    #[case("<alice@example.org>", Some("alice@example.org"))]
    #[case("\"a b\"@example.org", Some("\"a b\"@example.org"))]
    #[case("<>", None)]
    #[case("\"<>\"", None)]
    #[case("@example.org", None)]
    #[case("", None)]
    #[case("\"", None)]
    #[case("alice", None)]
    #[case("alice@", None)]
    fn keys(#[case] key: &str, #[case] expected: Option<&str>) {
        assert_eq!(address(key), expected);
    }

    proptest! {
        /// However the octets are cut, the same netstrings come out, and nothing of what follows is lost.
        #[test]
        fn cuts_do_not_matter(texts in prop::collection::vec(".{0,40}", 0..8), cut in 1usize..20) {
            let wire: Vec<u8> = texts.iter().flat_map(|text| netstring(text)).collect();
            let (mut input, mut found) = (BytesMut::new(), Vec::new());
            for piece in wire.chunks(cut) {
                input.extend_from_slice(piece);
                while let Some(content) = take(&mut input).expect("netstrings") {
                    found.push(String::from_utf8(content.to_vec()).expect("as it went in"));
                }
            }
            prop_assert_eq!(found, texts);
            prop_assert!(input.is_empty());
        }

        #[test]
        fn anything_is_survived(octets in prop::collection::vec(any::<u8>(), 0..200), key in ".{0,60}") {
            let mut input = BytesMut::from(&octets[..]);
            while let Ok(Some(content)) = take(&mut input) {
                let _read = Request::parse(&content).map(|request| address(request.key));
            }
            let _read = address(&key);
        }
    }
}
