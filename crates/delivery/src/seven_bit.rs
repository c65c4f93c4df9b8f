//! Re-encoding a message for a next hop that takes only 7-bit content (RFC 6152 §3).

/// The message with every 8-bit part in quoted-printable or base64, or `None` if it can't be: its header has 8-bit
/// octets, or a part must not be touched (RFC 1847 §2.1).
pub(crate) fn to_seven_bit(_content: &[u8]) -> Option<Vec<u8>> {
    None
}
