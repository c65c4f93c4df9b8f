//! The report as a mail (RFC 8460 §5.3).

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};

use crate::{Address, MEDIA_TYPE, Report};

/// Columns of base64 (RFC 2045 §6.8).
const COLUMNS: usize = 76;

impl Report {
    /// The report as a mail to one of its destinations; ASCII, lines end with CRLF. The same `to` and `date` make the
    /// same octets.
    ///
    /// Sign it with the key of [`Report::submitter`]: unsigned it "MUST be ignored by the recipient" (§3). It carries
    /// `TLS-Required: No` (RFC 8689 §3), because it may be lack of TLS that it tells of; whoever delivers it here has
    /// to let it pass likewise (§3, §5.3.1), and not to count it in the next report.
    pub fn mail(&self, to: &Address, date: Timestamp) -> Vec<u8> {
        // "=_" is found in neither quoted-printable nor base64 (RFC 2045 §6.7).
        let boundary = format!("=_tlsrpt_{}", self.id);
        let mut out = self.header(to, date, &boundary);
        out.push_str("\r\nThis is a multipart message in MIME format.\r\n");
        out.push_str(&format!(
            "\r\n--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        ));
        out.push_str(&quoted_printable::encode_to_str(self.text()));
        out.push_str(&format!(
            "\r\n--{boundary}\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment;\r\n\tfilename=\"{}\"\r\n\r\n",
            self.file_name()
        ));
        base64_lines(self.gzip(), &mut out);
        out.push_str(&format!("\r\n--{boundary}--\r\n"));
        out.into_bytes()
    }

    fn header(&self, to: &Address, date: Timestamp, boundary: &str) -> String {
        let (domain, submitter, id, from) = (&self.domain, self.submitter(), &self.id, &self.contact);
        let date = date_time(date);
        let mark = mark(to);
        format!(
            "Date: {date}\r\n\
             From: <{from}>\r\n\
             To: <{to}>\r\n\
             Subject: Report Domain: {domain}\r\n Submitter: {submitter}\r\n Report-ID: <{id}@{submitter}>\r\n\
             Message-ID: <{id}.{mark}@{submitter}>\r\n\
             TLS-Report-Domain: {domain}\r\n\
             TLS-Report-Submitter: {submitter}\r\n\
             TLS-Required: No\r\n\
             Auto-Submitted: auto-generated\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n\tboundary=\"{boundary}\"\r\n"
        )
    }

    /// For people. The receivers are anywhere, so English goes first.
    fn text(&self) -> String {
        let (domain, submitter, contact, file) =
            (&self.domain, self.submitter(), &self.contact, self.file_name());
        let (successes, failures) = (self.totals.successes, self.totals.failures);
        let day = self.begin.strftime("%Y-%m-%d");
        format!(
            "This is a report on the transport security of mail from {submitter} to {domain}\r\n\
             on {day} (UTC), as the record at _smtp._tls.{domain} asks for (RFC 8460).\r\n\
             \r\n\
             Sessions with TLS as {domain} asks for it: {successes}\r\n\
             Failures: {failures}\r\n\
             \r\n\
             The particulars are in the attachment, JSON compressed with gzip:\r\n\
             {file}\r\n\
             Questions: {contact}\r\n\
             \r\n\
             Dies ist ein Bericht über die Transportsicherheit der Mails von {submitter} an {domain}\r\n\
             am {day} (UTC), wie ihn der Eintrag unter _smtp._tls.{domain} erbittet (RFC 8460).\r\n\
             \r\n\
             Verbindungen mit TLS, wie {domain} es verlangt: {successes}\r\n\
             Fehlschläge: {failures}\r\n\
             \r\n\
             Die Einzelheiten stehen im Anhang, mit gzip verdichtetes JSON (Dateiname oben).\r\n\
             Fragen: {contact}\r\n"
        )
    }
}

/// Tells the mails with the same report apart, and is the same when one is sent again.
fn mark(to: &Address) -> String {
    let hash = digest::digest(&digest::SHA256, to.to_string().as_bytes());
    hash.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn base64_lines(bytes: &[u8], out: &mut String) {
    for line in bytes.chunks(COLUMNS / 4 * 3) {
        STANDARD.encode_string(line, out);
        out.push_str("\r\n");
    }
}

/// RFC 5322 §3.3, in UTC.
fn date_time(time: Timestamp) -> String {
    jiff::fmt::rfc2822::to_string(&ZonedDateTime::new(time, TimeZone::UTC)).unwrap_or_default()
}
