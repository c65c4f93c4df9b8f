//! The xtext encoding of parameter values (RFC 3461 §4).

/// The decoded octets, or nothing if `text` is no xtext.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => {
                let [high, low, tail @ ..] = rest else { return None };
                octets.push(hex(*high)? << 4 | hex(*low)?);
                rest = tail;
            }
            b'=' => return None,
            b'!'..=b'~' => octets.push(*first),
            _ => return None,
        }
    }
    Some(octets)
}

/// Whether `text` is xtext of printable ASCII, as ENVID and ORCPT demand (RFC 3461 §4.2, §4.4).
pub(crate) fn is_printable(text: &str) -> bool {
    decode(text).is_some_and(|octets| octets.iter().all(|b| matches!(b, b' '..=b'~')))
}

/// A `utf-8` address in its 7-bit form: what is not ASCII becomes `\x{HEX}` (RFC 6533 §3).
pub(crate) fn unitext_in_ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() { ascii.push(c) } else { ascii.push_str(&format!("\\x{{{:X}}}", u32::from(c))) }
    }
    ascii
}

/// A digit of a hexchar; only upper case is one (RFC 3461 §4).
fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
