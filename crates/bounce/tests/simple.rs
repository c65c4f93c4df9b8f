//! Which messages may be given to the MIME library whole.

use std::fmt::Write;

use bounce::is_simple;

fn multiparts(count: usize) -> String {
    let mut mail = String::from("From: a@b.example\n");
    for n in 0..count {
        write!(mail, "Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n").expect("a string takes all");
    }
    mail
}

#[test]
fn ordinary_mail_is_simple() {
    assert!(is_simple(b"From: a@b.example\n\nHello\n"));
    assert!(is_simple(multiparts(20).as_bytes()));
    assert!(is_simple(b""));
}

#[test]
fn mail_made_to_hang_or_to_overflow_the_library_is_not() {
    assert!(!is_simple(multiparts(40_000).as_bytes()));
    let nested = "Content-Type: message/rfc822\n\n".repeat(40_000);
    assert!(!is_simple(nested.as_bytes()));
    let many = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\nx\n".repeat(2_000));
    assert!(!is_simple(many.as_bytes()));
}

/// The promise behind it: what is simple, the library reads in moderate time, on a small stack.
#[test]
fn what_is_simple_does_not_overflow_a_small_stack() {
    let nested = |count: usize| "Content-Type: message/rfc822\n\n".repeat(count);
    let deepest = (1..200).rev().map(nested).find(|mail| is_simple(mail.as_bytes()));
    let deepest = deepest.expect("one message in another is simple");
    let read = std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(move || mail_parser::MessageParser::default().parse(deepest.as_bytes()).is_some());
    assert!(read.expect("a thread").join().expect("no overflow"));
}
