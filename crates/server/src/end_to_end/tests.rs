//! Messages as GnuPG 2.2 and OpenSSL 3.0 make them, and what nearly is one.

use base64::{Engine, prelude::BASE64_STANDARD};
use proptest::prelude::*;
use rstest::rstest;

use super::is_encrypted;

const TO_A_KEY: &str = include_str!("samples/to-a-key.asc");
const BY_PASSWORD: &str = include_str!("samples/by-password.asc");
const IN_PIECES: &str = include_str!("samples/in-pieces.asc");
const SIGNED: &str = include_str!("samples/signed.asc");
const WITHOUT_INTEGRITY: &str = include_str!("samples/without-integrity.asc");
const ENVELOPED: &str = include_str!("samples/enveloped.eml");
const ENVELOPED_BER: &str = include_str!("samples/enveloped-ber.eml");
const AUTH_ENVELOPED: &str = include_str!("samples/auth-enveloped.eml");
const SIGNED_CMS: &str = include_str!("samples/signed.eml");

/// As Thunderbird and Roundcube write it.
const PGP_MIME: &str = "From: alice@home.example\n\
To: carla@plain.example\n\
Subject: ...\n\
MIME-Version: 1.0\n\
Content-Type: multipart/encrypted;\n protocol=\"application/pgp-encrypted\";\n boundary=\"=_a1\"\n\
\n\
This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)\n\
--=_a1\n\
Content-Type: application/pgp-encrypted\n\
Content-Description: PGP/MIME version identification\n\
\n\
Version: 1\n\
\n\
--=_a1\n\
Content-Type: application/octet-stream; name=\"encrypted.asc\"\n\
Content-Description: OpenPGP encrypted message\n\
Content-Disposition: inline; filename=\"encrypted.asc\"\n\
\n\
ARMOUR\n\
--=_a1--\n";

fn crlf(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

fn pgp_mime(armour: &str) -> String {
    PGP_MIME.replace("ARMOUR", armour)
}

/// RFC 3156 §4.
#[rstest]
#[case::to_a_key(TO_A_KEY, true)]
#[case::by_password(BY_PASSWORD, true)]
#[case::in_pieces(IN_PIECES, true)]
#[case::only_signed(SIGNED, false)]
#[case::without_integrity_protection(WITHOUT_INTEGRITY, false)]
#[case::nothing("", false)]
#[case::not_armoured("Nobody else reads this.\n", false)]
#[case::an_empty_armour("-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----\n", false)]
fn pgp_mime_is_encrypted_if_what_is_in_it_is(#[case] armour: &str, #[case] encrypted: bool) {
    let text = pgp_mime(armour);
    assert_eq!(is_encrypted(&crlf(&text)), encrypted);
    assert_eq!(is_encrypted(text.as_bytes()), encrypted, "with bare line feeds");
}

/// What programs that mean well do differently.
#[rstest]
#[case::no_preamble("This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)\n", "")]
#[case::the_name_of_the_program("MIME-Version: 1.0", "Mime-Version: 1.0 (Mac OS X Mail 16.0 \\(3731\\))")]
#[case::in_another_case("multipart/encrypted;", "Multipart/Encrypted;")]
#[case::in_another_order(
    "\n protocol=\"application/pgp-encrypted\";\n boundary=\"=_a1\"",
    " boundary=\"=_a1\";\n\tprotocol=\"application/pgp-encrypted\";"
)]
#[case::an_encoding(
    "Content-Type: application/octet",
    "Content-Transfer-Encoding: 7bit\nContent-Type: application/octet"
)]
#[case::a_parameter("boundary=\"=_a1\"", "boundary=\"=_a1\"; charset=UTF-8")]
#[case::no_line_at_the_end("Version: 1\n\n", "Version: 1\n")]
#[case::a_header_in_the_armour("MESSAGE-----\n", "MESSAGE-----\nComment: x\nVersion: GnuPG v2\n")]
#[case::white_space_after_a_delimiter("--=_a1\n", "--=_a1 \n")]
fn it_is_encrypted_in_other_words(#[case] from: &str, #[case] to: &str) {
    let text = pgp_mime(TO_A_KEY);
    assert!(text.contains(from));
    assert!(is_encrypted(&crlf(&text.replacen(from, to, 1))));
}

/// What leaves a doubt, or leaves something to read.
#[rstest]
#[case::no_mime_version("MIME-Version: 1.0\n", "")]
#[case::a_mime_version_twice("MIME-Version: 1.0", "MIME-Version: 1.0\nMIME-Version: 1.0")]
#[case::another_mime_version("MIME-Version: 1.0", "MIME-Version: 2.0")]
#[case::another_type("multipart/encrypted", "multipart/mixed")]
#[case::another_protocol("\"application/pgp-encrypted\"", "\"application/pkcs7-mime\"")]
#[case::no_protocol(" protocol=\"application/pgp-encrypted\";\n", "")]
#[case::no_boundary(";\n boundary=\"=_a1\"", "")]
#[case::an_empty_boundary("boundary=\"=_a1\"", "boundary=\"\"")]
#[case::a_boundary_twice("boundary=\"=_a1\"", "boundary=\"=_a1\"; boundary=\"=_a2\"")]
#[case::another_boundary("boundary=\"=_a1\"", "boundary=\"=_a2\"")]
#[case::an_unclosed_quotation("boundary=\"=_a1\"", "boundary=\"=_a1")]
#[case::a_comment("boundary=\"=_a1\"", "boundary=\"=_a1\" (really)")]
#[case::two_types("Subject: ...\n", "Content-Type: text/plain\n")]
#[case::a_second_type("\n\nThis", "\nContent-Type: text/plain\n\nThis")]
#[case::two_encodings(
    "Subject: ...\n",
    "Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n"
)]
#[case::an_encoding_of_the_whole("Subject: ...\n", "Content-Transfer-Encoding: base64\n")]
#[case::text_before("This is an", &"Nobody else should read this. ".repeat(7))]
#[case::a_part_before("--=_a1\n", "--=_a1\nContent-Type: text/plain\n\nHello\n--=_a1\n")]
#[case::a_part_after("--=_a1--", "--=_a1\nContent-Type: text/plain\n\nHello\n--=_a1--")]
#[case::text_after("--=_a1--\n", "--=_a1--\nSent from my telephone\n")]
#[case::another_end("--=_a1--\n", "--=_a1--\n--=_a1--\n")]
#[case::no_end("--=_a1--\n", "")]
#[case::not_closed("--=_a1--\n", "--=_a1\n")]
#[case::closed_at_once("--=_a1\n", "--=_a1--\n")]
#[case::closed_between("Version: 1\n\n--=_a1\n", "Version: 1\n\n--=_a1--\n")]
#[case::nearly_a_delimiter_before("--=_a1\n", "--=_a1x\n--=_a1\n")]
#[case::nearly_a_delimiter("Version: 1\n", "Version: 1\n--=_a1x\n")]
#[case::another_version("Version: 1", "Version: 2")]
#[case::more_than_the_version("Version: 1\n", "Version: 1\nHello\n")]
#[case::no_version("Version: 1\n", "")]
#[case::another_control_part("Content-Type: application/pgp-encrypted", "Content-Type: text/plain")]
#[case::another_second_part("application/octet-stream", "text/plain")]
#[case::an_encoded_version(
    "Content-Type: application/pgp-encrypted",
    "Content-Transfer-Encoding: base64\nContent-Type: application/pgp-encrypted"
)]
#[case::an_encoded_part("Content-Description: OpenPGP", "Content-Transfer-Encoding: base64\nX: OpenPGP")]
#[case::a_part_without_type("Content-Type: application/octet-stream; name=\"encrypted.asc\"\n", "")]
#[case::text_before_the_armour("-----BEGIN", "Hello\n-----BEGIN")]
#[case::text_after_the_armour("-----END PGP MESSAGE-----\n", "-----END PGP MESSAGE-----\nHello\n")]
#[case::another_armour("MESSAGE-----\n", "SIGNED MESSAGE-----\n")]
#[case::text_in_the_armour("MESSAGE-----\n\n", "MESSAGE-----\n\nHello Carla, nobody else reads this\n")]
#[case::text_in_its_header("MESSAGE-----\n\n", "MESSAGE-----\nHello\n\n")]
#[case::no_empty_line("MESSAGE-----\n\n", "MESSAGE-----\n")]
#[case::not_its_end("-----END PGP MESSAGE-----", "-----END PGP SIGNATURE-----")]
#[case::not_its_beginning("MESSAGE-----\n\nhF4D", "MESSAGE-----\n\n")]
fn anything_in_doubt_is_not_encrypted(#[case] from: &str, #[case] to: &str) {
    let text = pgp_mime(TO_A_KEY);
    assert!(text.contains(from));
    assert!(!is_encrypted(&crlf(&text.replacen(from, to, 1))));
}

#[rstest]
#[case::nothing_else("text/plain", "7bit", "", TO_A_KEY, "\n", true)]
#[case::as_enigma_writes_it("text/plain; charset=US-ASCII;\n format=flowed", "7bit", "", TO_A_KEY, "", true)]
#[case::with_empty_lines("text/plain; charset=utf-8", "8bit", "\n\n", TO_A_KEY, "\n \n", true)]
#[case::text_before("text/plain", "7bit", "Hello\n", TO_A_KEY, "", false)]
#[case::text_after("text/plain", "7bit", "", TO_A_KEY, "Sent from my telephone\n", false)]
#[case::two("text/plain", "7bit", TO_A_KEY, TO_A_KEY, "", false)]
#[case::only_signed("text/plain", "7bit", "", SIGNED, "", false)]
#[case::quoted("text/plain", "7bit", "> ", TO_A_KEY, "", false)]
#[case::encoded("text/plain", "quoted-printable", "", TO_A_KEY, "", false)]
#[case::html("text/html", "7bit", "", TO_A_KEY, "", false)]
#[case::a_file("application/octet-stream", "7bit", "", TO_A_KEY, "", false)]
fn a_text_is_encrypted_if_it_is_an_armour_and_nothing_else(
    #[case] media_type: &str,
    #[case] encoding: &str,
    #[case] before: &str,
    #[case] armour: &str,
    #[case] after: &str,
    #[case] encrypted: bool,
) {
    let header = format!("Content-Type: {media_type}\nContent-Transfer-Encoding: {encoding}\n");
    let body = format!("{before}{armour}{after}");
    assert_eq!(is_encrypted(&crlf(&format!("MIME-Version: 1.0\n{header}\n{body}"))), encrypted);
    assert!(!is_encrypted(&crlf(&format!("{header}\n{body}"))), "without MIME-Version");
}

/// The packets in an armour: a session key is `C1 02 …`, what is encrypted with integrity protection `D2 03 …`.
#[rstest]
#[case::a_key_and_data(&[0xC1, 2, 3, 0, 0xD2, 3, 1, 0, 0], true)]
#[case::a_password(&[0xC3, 2, 4, 0, 0xD2, 3, 1, 0, 0], true)]
#[case::the_newer_form(&[0xC1, 2, 6, 0, 0xD2, 3, 2, 0, 0], true)]
#[case::the_older_lengths(&[0x84, 2, 3, 0, 0x85, 0, 2, 3, 0, 0x86, 0, 0, 0, 2, 3, 0, 0xD2, 0xFF, 0, 0, 0, 3, 1, 0, 0], true)]
#[case::a_form_of_gnupg(&[0xC1, 2, 3, 0, 0xD4, 3, 1, 0, 0], true)]
#[case::marked(&[0xCA, 3, b'P', b'G', b'P', 0xC1, 2, 3, 0, 0xD2, 3, 1, 0, 0], true)]
#[case::no_key(&[0xD2, 3, 1, 0, 0], false)]
#[case::only_a_key(&[0xC1, 2, 3, 0, 0xC1, 1, 3], false)]
#[case::without_integrity_protection(&[0xC1, 2, 3, 0, 0xC9, 3, 1, 0, 0], false)]
#[case::literal_data_before(&[0xCB, 1, b'b', 0xC1, 2, 3, 0, 0xD2, 2, 1, 0], false)]
#[case::compressed_data_before(&[0xC8, 1, 0, 0xC1, 2, 3, 0, 0xD2, 2, 1, 0], false)]
#[case::a_signature_before(&[0xC4, 1, 0, 0xC1, 2, 3, 0, 0xD2, 2, 1, 0], false)]
#[case::more_after(&[0xC1, 2, 3, 0, 0xD2, 2, 1, 0, 0xCB, 1, b'b', 0], false)]
#[case::too_short(&[0xC1, 2, 3, 0, 0xD2, 4, 1, 0, 0], false)]
#[case::an_unknown_form(&[0xC1, 2, 3, 0, 0xD2, 3, 3, 0, 0], false)]
#[case::a_key_without_length(&[0x87, 2, 3, 0, 0xD2, 3, 1, 0, 0], false)]
#[case::no_packet(&[0x41, 2, 3], false)]
fn the_packets_tell(#[case] packets: &[u8], #[case] encrypted: bool) {
    assert_eq!(is_encrypted(&crlf(&pgp_mime(&armour(packets)))), encrypted);
}

fn armour(packets: &[u8]) -> String {
    format!("-----BEGIN PGP MESSAGE-----\n\n{}\n-----END PGP MESSAGE-----\n", BASE64_STANDARD.encode(packets))
}

/// Cut short, the message names what is encrypted and does not have it.
#[test]
fn a_part_of_the_data_is_not_the_data() {
    let lines: Vec<&str> = TO_A_KEY.lines().collect();
    let (data, checksum) = (2..lines.len() - 2, lines.len() - 2);
    for left in 0..data.len() {
        let fewer = [&lines[..2], &lines[2..2 + left], &lines[checksum..]].concat().join("\n");
        assert!(!is_encrypted(&crlf(&pgp_mime(&(fewer + "\n")))), "{left} lines");
    }
}

/// RFC 8551 §3.3, §3.4.
#[rstest]
#[case::enveloped(ENVELOPED, true)]
#[case::enveloped_as_a_stream(ENVELOPED_BER, true)]
#[case::auth_enveloped(AUTH_ENVELOPED, true)]
#[case::signed(SIGNED_CMS, false)]
fn smime_is_encrypted_if_what_is_in_it_is(#[case] message: &str, #[case] encrypted: bool) {
    let text = format!("Subject: x\n{message}");
    assert_eq!(is_encrypted(&crlf(&text)), encrypted);
    assert_eq!(is_encrypted(text.as_bytes()), encrypted, "with bare line feeds");
}

#[rstest]
#[case::signed_that_says_enveloped(SIGNED_CMS, "signed-data", "enveloped-data")]
#[case::signed_that_says_auth_enveloped(SIGNED_CMS, "signed-data", "authEnveloped-data")]
#[case::enveloped_that_says_signed(ENVELOPED, "enveloped-data", "signed-data")]
#[case::one_kind_for_the_other(ENVELOPED, "enveloped-data", "authEnveloped-data")]
#[case::the_other_for_the_one(AUTH_ENVELOPED, "authEnveloped-data", "enveloped-data")]
#[case::of_no_kind(ENVELOPED, " smime-type=enveloped-data;", "")]
#[case::another_type(ENVELOPED, "application/pkcs7-mime", "application/octet-stream")]
#[case::another_encoding(ENVELOPED, "Encoding: base64", "Encoding: 7bit")]
#[case::no_encoding(ENVELOPED, "Content-Transfer-Encoding: base64\n", "")]
#[case::text_before(ENVELOPED, "\n\nMII", "\n\nHello\n\nMII")]
#[case::a_word_before(ENVELOPED, "\n\nMII", "\n\nHello\nMII")]
#[case::another_length(ENVELOPED, "MIIBUg", "MIIBUw")]
#[case::another_tag(ENVELOPED, "MII", "MYI")]
#[case::not_its_padding(ENVELOPED_BER, "=\n", "\n")]
#[case::padding_inside(ENVELOPED_BER, "TeAs", "Te==")]
#[case::a_hole(ENVELOPED_BER, "TeAs", "\nTeAs")]
fn what_says_otherwise_is_not_encrypted(#[case] message: &str, #[case] from: &str, #[case] to: &str) {
    assert!(message.contains(from));
    assert!(!is_encrypted(&crlf(&message.replacen(from, to, 1))));
}

/// `ContentInfo { id-envelopedData, [0] { version, recipients … } }`, its lengths left open.
#[rstest]
#[case::recipients(&[2, 1, 0, 0x31], true)]
#[case::an_originator(&[2, 1, 2, 0xA0], true)]
#[case::an_unknown_version(&[2, 1, 5, 0x31], false)]
#[case::no_version(&[4, 1, 0, 0x31], false)]
#[case::a_longer_version(&[2, 2, 0, 0, 0x31], false)]
#[case::neither(&[2, 1, 0, 0x30], false)]
#[case::nothing(&[], false)]
fn what_is_in_the_envelope_tells(#[case] within: &[u8], #[case] encrypted: bool) {
    let text = cms(&[ENVELOPED_BEGINS, &[0xA0, 0x80, 0x30, 0x80], within].concat());
    assert_eq!(is_encrypted(text.as_bytes()), encrypted);
}

const ENVELOPED_BEGINS: &[u8] = &[0x30, 0x80, 0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 3];

fn cms(octets: &[u8]) -> String {
    let (header, _) = ENVELOPED.split_once("\n\n").unwrap();
    format!("{header}\n\n{}\n", BASE64_STANDARD.encode(octets))
}

#[test]
fn text_after_it_is_seen() {
    for text in ["\nHello\n", "Hello", "\n--\nSent from my telephone\n"] {
        assert!(!is_encrypted(&crlf(&format!("{ENVELOPED_BER}{text}"))), "{text:?}");
    }
    assert!(is_encrypted(&crlf(&format!("{ENVELOPED_BER}\n\n"))));
}

#[rstest]
#[case::plain("From: a@b.example\nSubject: x\n\nHello\n")]
#[case::empty("")]
#[case::only_a_header("MIME-Version: 1.0\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n")]
fn other_mail_is_not_encrypted(#[case] text: &str) {
    assert!(!is_encrypted(&crlf(text)));
}

/// Large mail, and mail made to be slow, is looked at once.
#[test]
fn it_takes_time_in_proportion() {
    let started = std::time::Instant::now();
    let large = format!("{}\n", "A".repeat(76)).repeat(100_000);
    let packets = format!("{}\n", "wQHB".repeat(19)).repeat(100_000);
    let parts = "--=_a1\n".repeat(300_000);
    let parameters =
        format!("MIME-Version: 1.0\nContent-Type: multipart/encrypted{}\n\n", "; a=b".repeat(90_000));
    let armoured =
        |data: &str| pgp_mime(&format!("-----BEGIN PGP MESSAGE-----\n\n{data}-----END PGP MESSAGE-----\n"));
    for text in [armoured(&large), armoured(&packets), pgp_mime(&parts), parameters] {
        assert!(!is_encrypted(text.as_bytes()));
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

proptest! {
    /// Whatever a single change does, it does not panic; one in the header may only take away.
    #[test]
    fn a_damaged_message_is_read_without_panic(
        sample in prop::sample::select(vec![
            pgp_mime(TO_A_KEY), pgp_mime(IN_PIECES), ENVELOPED.to_owned(), ENVELOPED_BER.to_owned(), AUTH_ENVELOPED.to_owned(),
        ]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut octets = crlf(&sample);
        for (at, octet) in changes {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        if cut {
            octets.truncate(end.index(octets.len()));
        }
        is_encrypted(&octets);
    }

    #[test]
    fn any_cms_is_read_without_panic(octets in prop::collection::vec(any::<u8>(), 0..80), begins in any::<bool>()) {
        let prefix = if begins { ENVELOPED_BEGINS } else { &[] };
        is_encrypted(cms(&[prefix, &octets].concat()).as_bytes());
    }

    #[test]
    fn any_packets_are_read_without_panic(packets in prop::collection::vec(any::<u8>(), 0..80), begins in any::<bool>()) {
        let prefix: &[u8] = if begins { &[0xC1, 2, 3, 0] } else { &[] };
        is_encrypted(pgp_mime(&armour(&[prefix, &packets].concat())).as_bytes());
    }
}
