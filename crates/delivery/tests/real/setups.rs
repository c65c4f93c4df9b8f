//! Mail domains with DANE, right and wrong in every way, as a table.

use crate::{
    pki::{Names, Presented},
    zones::{Signed, Spoilt, Zone, signed, signing, unsigned},
};

/// A domain, its host, and what is published about them.
pub(crate) struct Setup {
    /// Which row it is.
    pub(crate) name: String,
    /// The domain of the mail addresses.
    pub(crate) domain: String,
    /// What the host presents; `None` if it has no TLS.
    pub(crate) presented: Option<Presented>,
    /// Where the host is.
    pub(crate) address: [u8; 4],
    /// What should come of it by the RFC.
    pub(crate) expected: &'static str,
    /// The zones' records.
    records: Vec<(&'static str, String)>,
}

/// Rows of: what should come of it | what the host presents | TLSA records | how names lead to it.
const TABLE: &str = include_str!("setups.txt");

/// The zones, and what is wrong with them.
fn zones() -> Vec<Zone> {
    let spoilt = |name, spoilt| signed(name, Signed { spoilt, ..signing() });
    vec![
        signed("s.example", signing()),
        unsigned("u.example"),
        spoilt("mx-bogus.example", Spoilt::NoSignatures("MX")),
        spoilt("a-bogus.example", Spoilt::NoSignatures("A")),
        spoilt("tlsa-bogus.example", Spoilt::NoSignatures("TLSA")),
        spoilt("tlsa-forged.example", Spoilt::Forged("TLSA")),
        spoilt("no-nsec.example", Spoilt::NoRecords("NSEC")),
    ]
}

/// All rows.
pub(crate) fn setups() -> Vec<Setup> {
    let rows = TABLE.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    rows.zip(1..).map(|(row, number)| Setup::read(row, number)).collect()
}

/// The zones of these.
pub(crate) fn tree(setups: &[Setup]) -> Vec<Zone> {
    let mut zones = zones();
    for zone in &mut zones {
        let records = setups.iter().flat_map(|setup| &setup.records).filter(|(name, _)| *name == zone.name);
        zone.extra = records.fold(String::new(), |all, (_, text)| all + text);
    }
    zones
}

impl Setup {
    fn read(row: &'static str, number: u8) -> Self {
        let words: Vec<&'static str> = row.split('|').map(str::trim).collect();
        let [expected, chain, tlsa, way] = words[..] else { panic!("{row}") };
        let (way, zone) = match way.strip_prefix("in ") {
            Some(zone) => ("", zone),
            None => way.split_once(" in ").unwrap_or((way, "s")),
        };
        let zones = zones();
        let zone = zones.iter().find(|one| one.name.strip_suffix(".example") == Some(zone)).unwrap().name;
        let name = format!("n{number}");
        let domain = format!("{name}.{zone}");
        let host = match way {
            "implicit" => domain.clone(),
            "mx unsigned" | "domain alias from unsigned" => format!("mx.{name}.s.example"),
            _ => format!("mx.{domain}"),
        };
        let presented =
            (chain != "plain").then(|| Presented::new(chain, &Names { host: &host, domain: &domain }));
        let any = Presented::new("self", &Names { host: &host, domain: &domain });
        let made_of = presented.as_ref().unwrap_or(&any);
        let records: Vec<String> = tlsa
            .split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .map(|one| made_of.tlsa(one))
            .collect();
        let address = [127, 25, 1, number];
        let records = published(way, zone, &name, address, &records);
        Self { name: row.to_owned(), domain, presented, address, expected, records }
    }
}

/// The records of one row. `tlsa` are its TLSA records.
fn published(
    way: &str,
    zone: &'static str,
    n: &str,
    address: [u8; 4],
    tlsa: &[String],
) -> Vec<(&'static str, String)> {
    let ip = std::net::Ipv4Addr::from(address);
    let at = |owner: &str| tlsa.iter().fold(String::new(), |all, one| all + &format!("{owner} TLSA {one}\n"));
    let port = |host: &str| at(&format!("_25._tcp.{host}.{n}"));
    let nobody = |host: &str| format!("_25._tcp.{host}.{n} TLSA 3 1 1 {}\n", "00".repeat(32));
    let mx = format!("{n} MX 10 mx.{n}\n");
    let usual = format!("{mx}mx.{n} A {ip}\n");
    let alias = format!("{n} MX 10 alias.{n}\nalias.{n} CNAME mx.{n}\nmx.{n} A {ip}\n");
    let outside = format!("{n} MX 10 alias.{n}\nalias.{n} CNAME mx.{n}.u.example.\n");
    let unsigned_host = |more: String| ("u.example", format!("mx.{n} A {ip}\n{more}"));
    match way {
        "" => vec![(zone, usual + &port("mx"))],
        "implicit" => vec![(zone, format!("{n} A {ip}\n{}", at(&format!("_25._tcp.{n}"))))],
        "implicit alias" => vec![(
            zone,
            format!("{n} CNAME real.{n}\nreal.{n} A {ip}\n{}", at(&format!("_25._tcp.real.{n}"))),
        )],
        "wildcard" => vec![(zone, usual + &at(&format!("*._tcp.mx.{n}")))],
        "tlsa alias" => {
            vec![(zone, format!("{usual}_25._tcp.mx.{n} CNAME tlsa.{n}\n{}", at(&format!("tlsa.{n}"))))]
        }
        "tlsa alias unsigned" => vec![
            (zone, format!("{usual}_25._tcp.mx.{n} CNAME tlsa.{n}.u.example.\n")),
            ("u.example", at(&format!("tlsa.{n}"))),
        ],
        "tlsa alias nowhere" => vec![(zone, format!("{usual}_25._tcp.mx.{n} CNAME tlsa.{n}\n"))],
        "tlsa lame" => vec![(zone, format!("{usual}_tcp.mx.{n} NS ns-lame.example.\n"))],
        "host alias, tlsa at target" => vec![(zone, alias + &port("mx"))],
        "host alias, tlsa at alias" => vec![(zone, alias + &port("alias"))],
        "host alias, other tlsa at alias" => vec![(zone, alias + &port("mx") + &nobody("alias"))],
        "host alias, other tlsa at target" => vec![(zone, alias + &port("alias") + &nobody("mx"))],
        "host alias unsigned, tlsa at alias" => {
            vec![(zone, outside + &port("alias")), unsigned_host(String::new())]
        }
        "host alias unsigned, tlsa at target" => vec![(zone, outside), unsigned_host(port("mx"))],
        "domain alias" => {
            vec![(zone, format!("{n} CNAME real.{n}\nreal.{n} MX 10 mx.{n}\nmx.{n} A {ip}\n{}", port("mx")))]
        }
        "domain alias from unsigned" => {
            vec![("u.example", format!("{n} CNAME {n}.s.example.\n")), ("s.example", usual + &port("mx"))]
        }
        "mx unsigned" => vec![
            ("u.example", format!("{n} MX 10 mx.{n}.s.example.\n")),
            ("s.example", format!("mx.{n} A {ip}\n{}", port("mx"))),
        ],
        "host unsigned" => vec![(zone, format!("{n} MX 10 mx.{n}.u.example.\n")), unsigned_host(port("mx"))],
        other => panic!("{other}"),
    }
}
