//! Every attack there is, as strategies: seeded, and shrinking to the simplest that does harm.

use guarantee::Requirement;
use proptest::{collection::vec, option, prelude::*, sample::select};
use small_internet::{
    Attack, Cut, Direction, End, Impostor, Mangle, Octets, OnTls, Strip, Tamper, Tampering,
};

/// What a sender asks.
pub(super) fn requirement() -> impl Strategy<Value = Requirement> {
    use Requirement::{Authenticated, Encrypted, Opportunistic, Regardless, RequireTls};
    prop_oneof![
        1 => Just(Regardless),
        4 => Just(Opportunistic),
        8 => Just(Encrypted),
        2 => Just(Authenticated),
        2 => Just(RequireTls),
    ]
}

/// What an attacker may do to one connection.
pub(super) fn attack() -> impl Strategy<Value = Attack> {
    (vec(tampering(), 0..=2), on_tls(), option::weighted(0.25, cut()))
        .prop_map(|(replies, tls, cut)| Attack { replies, tls, cut })
}

fn tampering() -> impl Strategy<Value = Tampering> {
    // What is before the handshake, and a little of what follows where there is none.
    let reply = prop_oneof![2 => Just(0_usize), 5 => Just(1), 4 => Just(2), 1 => 3_usize..8];
    (reply, tamper()).prop_map(|(reply, what)| Tampering { reply, what })
}

fn tamper() -> impl Strategy<Value = Tamper> {
    use Strip::{All, Case, Line, Overwrite, Split, Tail};
    prop_oneof![
        1 => Just(Tamper::Drop),
        1 => Just(Tamper::Repeat),
        1 => Just(Tamper::HoldBack),
        1 => Just(Tamper::Reverse),
        6 => says().prop_map(Tamper::Instead),
        3 => says().prop_map(Tamper::Before),
        3 => says().prop_map(Tamper::Behind),
        6 => select(vec![Line, Overwrite, Case, Split, Tail, All]).prop_map(Tamper::Strip),
        1 => (1_usize..40).prop_map(Tamper::Segments),
        1 => select(vec!["250-more\r\n", "250 more\r\n", "a", "\0", "220-"]).prop_map(|text| Tamper::Endless(text.into())),
    ]
}

/// What an attacker says in clear in a host's place.
fn says() -> impl Strategy<Value = Octets> {
    prop_oneof![
        8 => select(REPLIES.to_vec()).prop_map(Octets::from),
        3 => (200_u16..600, select(TEXTS.to_vec())).prop_map(|(code, text)| Octets(format!("{code}{text}").into_bytes())),
        1 => (1_usize..6000).prop_map(|length| Octets([&b"250 "[..], &vec![b'a'; length], b"\r\n"].concat())),
        1 => (2_usize..300).prop_map(|lines| Octets(["250-line\r\n".repeat(lines), "250 end\r\n".to_owned()].concat().into_bytes())),
        1 => vec(any::<u8>(), 0..60).prop_map(Octets),
    ]
}

const TEXTS: &[&str] =
    &["\r\n", " \r\n", "\n", " 2.0.0 Fine\r\n", " 4.7.0 Later\r\n", " 5.7.0 No\r\n", "-STARTTLS\r\n"];

const REPLIES: &[&str] = &[
    "220 mx.guarded.example ESMTP\r\n",
    "220 2.0.0 Go ahead\r\n",
    "250 Fine\r\n",
    "250-mx.guarded.example\r\n250 SIZE 1000000\r\n",
    "250-mx.guarded.example\r\n250-STARTTLS\r\n250 REQUIRETLS\r\n",
    "250-mx.guarded.example\r\n250 REQUIRETLS\r\n",
    "250-mx.guarded.example\r\n250 STARTTLS\r\n220 Go ahead\r\n",
    "354 Go ahead\r\n",
    "421 4.3.0 Bye\r\n",
    "454 4.7.0 TLS not available due to temporary reason\r\n",
    "500 5.5.1 What?\r\n",
    "502 5.5.1 Not implemented\r\n",
    "503 5.5.1 TLS is in use already\r\n",
    "521 5.3.2 No mail here\r\n",
    "530 5.7.0 Must issue a STARTTLS command first\r\n",
    "554 5.7.1 Send it in clear, please\r\n",
    // All answers to a transaction ahead of it.
    "250 Fine\r\n250 Fine\r\n250 Fine\r\n354 Go ahead\r\n250 Taken\r\n",
    "220 Go ahead\r\n250-mx.guarded.example\r\n250 REQUIRETLS\r\n250 Fine\r\n250 Fine\r\n354 Go ahead\r\n250 Taken\r\n",
    "220\r\n",
    "220-\r\n220\r\n",
    "2200 Go ahead\r\n",
    "22",
    "220 Go ahead\n",
    "220 Go ahead\r",
    "\r\n",
    "\n",
    "220 \0\0\0\r\n",
    "\0\0\0\0\r\n",
    "220 \u{1b}[2J\u{7}\r\n",
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html><h1>Log in to the hotel's network</h1></html>",
    "<html>\r\n",
    "250-mx\r\n220 Go ahead\r\n",
];

fn on_tls() -> impl Strategy<Value = OnTls> {
    use Impostor::{AnotherKey, AnotherName, Expired, SelfSigned, StolenCertificate, UnknownCa};
    let impostor = select(vec![SelfSigned, AnotherName, Expired, UnknownCa, AnotherKey, StolenCertificate]);
    prop_oneof![
        4 => Just(OnTls::Pass),
        5 => (answer(), end()).prop_map(|(octets, then)| OnTls::Answer { octets, then }),
        1 => Just(OnTls::Replay),
        3 => impostor.prop_map(OnTls::Impersonate),
        3 => (direction(), 0_usize..4500, mangle()).prop_map(|(direction, at, how)| OnTls::Mangle { direction, at, how }),
    ]
}

/// Answers to a ClientHello.
fn answer() -> impl Strategy<Value = Octets> {
    let alert = |(level, description)| Octets(vec![21, 3, 3, 0, 2, level, description]);
    prop_oneof![
        3 => (1_u8..3, any::<u8>()).prop_map(alert),
        3 => (0_u8..5, select(vec![0x000a_u16, 0x002f, 0x009c, 0x1301, 0xc02b, 0xc02f])).prop_map(server_hello),
        1 => (0_u8..5, select(vec![0x1301_u16, 0xc02b])).prop_map(downgraded),
        1 => vec(any::<u8>(), 0..200).prop_map(Octets),
        2 => says(),
        1 => (any::<u8>(), vec(any::<u8>(), 0..100)).prop_map(record),
    ]
}

fn record((kind, content): (u8, Vec<u8>)) -> Octets {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    Octets([&[kind, 3, 3, length[0], length[1]], &content[..]].concat())
}

/// A ServerHello of SSLv3 (minor version 0), TLS 1.0, 1.1, 1.2 or, as nobody writes it, 1.3, with a cipher suite.
fn server_hello((minor, suite): (u8, u16)) -> Octets {
    hello(minor, suite, [7; 32])
}

/// The same with the mark of a server that was made to speak an older version (RFC 8446 §4.1.3).
fn downgraded((minor, suite): (u8, u16)) -> Octets {
    let mut random = [7; 32];
    random[24..].copy_from_slice(b"DOWNGRD\x01");
    hello(minor, suite, random)
}

fn hello(minor: u8, suite: u16, random: [u8; 32]) -> Octets {
    let suite = suite.to_be_bytes();
    let body = [&[3, minor], &random[..], &[0, suite[0], suite[1], 0]].concat();
    let length = u8::try_from(body.len()).unwrap();
    Octets([&[22, 3, minor, 0, length + 4, 2, 0, 0, length], &body[..]].concat())
}

fn mangle() -> impl Strategy<Value = Mangle> {
    prop_oneof![
        4 => (1_u8..=255).prop_map(Mangle::Flip),
        1 => prop_oneof![says(), answer()].prop_map(Mangle::Insert),
        1 => (1_usize..500).prop_map(Mangle::Remove),
        1 => (1_usize..500).prop_map(Mangle::Repeat),
    ]
}

fn cut() -> impl Strategy<Value = Cut> {
    let after = prop_oneof![3 => 0_usize..400, 1 => 400_usize..5000];
    (direction(), after, end()).prop_map(|(direction, after, end)| Cut { direction, after, end })
}

fn direction() -> impl Strategy<Value = Direction> {
    select(vec![Direction::ToHost, Direction::ToClient])
}

fn end() -> impl Strategy<Value = End> {
    select(vec![End::Close, End::Stall])
}
