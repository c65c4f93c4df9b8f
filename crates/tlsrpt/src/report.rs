//! One domain's report on one day.

use std::{
    fmt,
    io::{self, Write},
};

use flate2::{Compression, GzBuilder};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::{Address, ResultRow, clean, rows, schema};

/// The media type of [`Report::gzip`] (RFC 8460 §6.5), for mail and HTTPS.
pub const MEDIA_TYPE: &str = "application/tlsrpt+gzip";
/// Characters of the organization's name.
const MAX_ORGANIZATION: usize = 200;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The contact's address can't be used.
    #[error("`{0}` is no plain mail address; give the reports a contact such as postmaster@your.domain")]
    Contact(String),
    /// The domain that the report is for.
    #[error("`{0}` is no domain name")]
    Domain(String),
    /// The day can't be counted in seconds.
    #[error("the day of the report is out of range: {0}")]
    Day(#[from] jiff::Error),
    /// The report can't be written.
    #[error("the report can't be written: {0}")]
    Write(#[from] io::Error),
}

/// Who reports.
#[derive(Clone, Debug)]
pub struct Reporter {
    organization: String,
    contact: Address,
}

impl Reporter {
    /// `organization` is a name for people; `contact` is whom the report and its mail come from. Its domain is the
    /// submitter, and the one to sign for (RFC 8460 §3, §5.3).
    ///
    /// # Errors
    /// [`Error::Contact`].
    pub fn new(organization: &str, contact: &str) -> Result<Self, Error> {
        let address = Address::parse(contact).ok_or_else(|| Error::Contact(clean::line(contact, 100)))?;
        Ok(Self { organization: clean::line(organization, MAX_ORGANIZATION), contact: address })
    }

    /// Whom the mail comes from.
    pub fn contact(&self) -> &Address {
        &self.contact
    }
}

/// What tells a report from all others: a UUID (RFC 9562 §5.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportId(String);

impl ReportId {
    /// Made of random octets. Keep them: a report that is sent again has the same id, so that its receivers can tell
    /// that it is the same (RFC 8460 §5.3).
    pub fn new(random: [u8; 16]) -> Self {
        let bits = u128::from_be_bytes(random);
        // version 4, variant 10
        let bits = (bits & !(0xf << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62);
        let hex = format!("{bits:032x}");
        let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
        Self(format!("{a}-{b}-{c}-{d}-{e}"))
    }

    /// `ALPHA / DIGIT` only, for the file's name (§5.1).
    fn plain(&self) -> String {
        self.0.replace('-', "")
    }
}

impl fmt::Display for ReportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All that a report is made of.
#[derive(Clone, Debug)]
pub struct Draft<'x> {
    /// Who reports.
    pub reporter: &'x Reporter,
    /// The domain that the report is for: the recipients', or the smart host's.
    pub domain: &'x str,
    /// The day in UTC, the whole of it.
    pub day: Date,
    /// What tells it from all others.
    pub id: ReportId,
    /// What happened.
    pub rows: &'x [ResultRow],
}

impl Draft<'_> {
    /// Composes the report; the same draft makes the same octets, whatever the order of its rows.
    ///
    /// # Errors
    /// [`Error::Domain`] and [`Error::Day`].
    pub fn compose(self) -> Result<Report, Error> {
        let domain =
            clean::domain(self.domain).ok_or_else(|| Error::Domain(clean::line(self.domain, 100)))?;
        // §4.1: a full day of UTC
        let begin = self.day.to_zoned_datetime(TimeZone::UTC)?.timestamp();
        let end = begin.checked_add(SignedDuration::from_secs(24 * 60 * 60 - 1))?;
        let tallies = rows::tallies(self.rows);
        let result = |(policy, tally)| schema::PolicyResult::new(&domain, policy, tally);
        let json = serde_json::to_vec_pretty(&schema::Report {
            organization_name: &self.reporter.organization,
            date_range: schema::DateRange { start_datetime: begin, end_datetime: end },
            contact_info: self.reporter.contact.to_string(),
            report_id: &self.id.0,
            policies: tallies.iter().map(result).collect(),
        })
        .map_err(io::Error::from)?;
        let sum = |count: fn(&rows::Tally) -> u64| tallies.values().map(count).fold(0, u64::saturating_add);
        let totals = Totals { successes: sum(|tally| tally.successes), failures: sum(rows::Tally::failed) };
        Ok(Report {
            gzip: gzip(&json)?,
            json,
            contact: self.reporter.contact.clone(),
            domain,
            id: self.id,
            begin,
            end,
            totals,
        })
    }
}

/// Sessions of a whole report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Totals {
    pub(crate) successes: u64,
    pub(crate) failures: u64,
}

/// A finished report, in A-labels and without anything that could do harm in a header.
#[derive(Clone, Debug)]
pub struct Report {
    json: Vec<u8>,
    gzip: Vec<u8>,
    pub(crate) contact: Address,
    pub(crate) domain: String,
    pub(crate) id: ReportId,
    pub(crate) begin: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) totals: Totals,
}

impl Report {
    /// The report as I-JSON (RFC 8460 §4.4).
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// The same compressed (§5.2): the body of a POST (§5.4), of type [`MEDIA_TYPE`].
    pub fn gzip(&self) -> &[u8] {
        &self.gzip
    }

    /// The name of the compressed file (§5.1).
    pub fn file_name(&self) -> String {
        let (submitter, domain, unique) = (self.submitter(), &self.domain, self.id.plain());
        let (begin, end) = (self.begin.as_second(), self.end.as_second());
        format!("{submitter}!{domain}!{begin}!{end}!{unique}.json.gz")
    }

    /// The domain that reports; the mail is to be signed for it (§3).
    pub fn submitter(&self) -> &str {
        self.contact.domain()
    }
}

/// Without time and name, so that the same report makes the same octets.
fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
