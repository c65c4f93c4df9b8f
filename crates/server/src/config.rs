//! The configuration file of `tls-guarantee serve`: TOML, unknown keys refused.

use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use delivery::{DnsServers, Dnssec, ROOT_ANCHOR, Route};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde::Deserialize;
use smtp::address::Domain;
use tlsrpt::{Reporter, Signer};

mod beside;
mod place;

use crate::{lmtp::Lmtp, local::Local};

pub use beside::{
    MailboxesOptions, RelayOptions, SendersOptions, StoreOptions, UsersOptions, WebmailKey, WebmailOptions,
};
pub use place::Place;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The server's host name, as it greets and as its reports name it.
    pub name: String,
    /// Domains whose mailboxes are here.
    #[serde(default)]
    pub domains: Vec<String>,
    /// The account that reads mail to `postmaster`, `user@domain`.
    pub postmaster: Option<String>,
    /// Where the database lies.
    pub data: PathBuf,
    /// Where to listen; what is absent is not served.
    #[serde(default)]
    pub listen: Listen,
    /// The certificate; self-signed, and kept in `data`, when absent.
    pub tls: Option<TlsFiles>,
    /// Who holds the accounts.
    #[serde(default)]
    pub users: UsersOptions,
    /// Where mail for `domains` goes.
    #[serde(default)]
    pub mailboxes: MailboxesOptions,
    /// Under which further addresses users may send; none when absent.
    pub senders: Option<SendersOptions>,
    /// The webmail's plugin; its tokens are refused when absent.
    pub webmail: Option<WebmailOptions>,
    /// The mail store's trusted entry.
    #[serde(default)]
    pub store: StoreOptions,
    /// An existing Postfix that hands mail in.
    #[serde(default)]
    pub relay: RelayOptions,
    /// DNS servers; the machine's own when absent.
    #[serde(default)]
    pub dns: Vec<SocketAddr>,
    /// How their answers are proven.
    #[serde(default)]
    pub dnssec: DnssecOptions,
    /// A file of certification authorities, PEM, that are trusted besides the well-known ones.
    pub authorities: Option<PathBuf>,
    /// Signing mail; nothing is signed when absent.
    pub dkim: Option<DkimOptions>,
    /// Reports to receiving domains about their transport security; none are sent when absent.
    pub tls_rpt: Option<TlsRptOptions>,
    /// Domains with a fixed way.
    #[serde(default, rename = "route")]
    pub routes: Vec<RouteEntry>,
    /// Users reach the page through a proxy that speaks TLS.
    #[serde(default)]
    pub https: bool,
    /// For how many days finished messages, stops and evidence are kept.
    #[serde(default = "thirty")]
    pub keep_days: u16,
}

fn thirty() -> u16 {
    30
}

/// Where to listen.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// The page and the API, without TLS: on loopback, behind a proxy.
    pub http: Option<SocketAddr>,
    /// Submission with STARTTLS (port 587).
    pub submission: Option<SocketAddr>,
    /// Submission with implicit TLS (port 465).
    pub submissions: Option<SocketAddr>,
    /// Incoming mail for the own domains (port 25).
    pub mx: Option<SocketAddr>,
    /// The mail store's trusted entry: on this machine only.
    pub store: Option<Place>,
    /// Where Postfix hands in its users' mail: on this machine only.
    pub relay: Option<Place>,
    /// Where Postfix asks whose mail it is to hand in: on this machine only.
    pub socketmap: Option<Place>,
}

impl Listen {
    /// These, and of the others those that are not among them.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            http: self.http.or(others.http),
            submission: self.submission.or(others.submission),
            submissions: self.submissions.or(others.submissions),
            mx: self.mx.or(others.mx),
            store: self.store.or(others.store),
            relay: self.relay.or(others.relay),
            socketmap: self.socketmap.or(others.socketmap),
        }
    }

    /// The addresses, without the Unix sockets.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let places = [&self.store, &self.relay, &self.socketmap].map(|place| match place {
            Some(Place::Tcp(address)) => Some(*address),
            Some(Place::Unix(_)) | None => None,
        });
        let public = [self.http, self.submission, self.submissions, self.mx];
        public.into_iter().chain(places).flatten().collect()
    }
}

/// How answers of the DNS are proven: by signatures from IANA's root keys down, unless this says otherwise.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnssecOptions {
    /// A file of other root keys: DNSKEY or DS records.
    pub anchor: Option<PathBuf>,
    /// The servers validate, and what their AD bit says is believed: loopback only.
    #[serde(default)]
    pub trust_ad: bool,
}

/// The certificate's files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The chain, PEM.
    pub certificate: PathBuf,
    /// The key, PEM.
    pub key: PathBuf,
}

/// DKIM (RFC 6376).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DkimOptions {
    /// The domain to sign for.
    pub domain: String,
    /// Under which name below `_domainkey.DOMAIN` the key is published.
    pub selector: String,
    /// The private key, PEM.
    pub key: PathBuf,
    /// Sign users' mail too, if it is from an address of the domain; else only reports are signed.
    #[serde(default)]
    pub sign_mail: bool,
}

/// Reports on transport security (RFC 8460).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsRptOptions {
    /// Who reports, as the receivers read it.
    pub organization: String,
    /// Where they can ask back; also whom the reports are from.
    pub contact: String,
}

/// A static route.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteEntry {
    /// The recipients' domain.
    pub domain: String,
    /// A host name or address.
    pub host: String,
    /// Its port; 25 when absent.
    #[serde(default = "smtp_port")]
    pub port: u16,
}

fn smtp_port() -> u16 {
    25
}

impl Config {
    /// A server that listens nowhere yet.
    pub fn new(name: String, data: PathBuf) -> Self {
        Self {
            name,
            domains: Vec::new(),
            postmaster: None,
            data,
            listen: Listen::default(),
            tls: None,
            users: UsersOptions::default(),
            mailboxes: MailboxesOptions::default(),
            senders: None,
            webmail: None,
            store: StoreOptions::default(),
            relay: RelayOptions::default(),
            dns: Vec::new(),
            dnssec: DnssecOptions::default(),
            authorities: None,
            dkim: None,
            tls_rpt: None,
            routes: Vec::new(),
            https: false,
            keep_days: thirty(),
        }
    }

    /// Reads and checks a file. The error names the field and the remedy.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{}: can't be read", path.display()))?;
        let mut config: Self = toml::from_str(&text).with_context(|| path.display().to_string())?;
        config.normalise().with_context(|| path.display().to_string())?;
        Ok(config)
    }

    fn normalise(&mut self) -> anyhow::Result<()> {
        self.name = domain("name", &self.name)?;
        // RFC 5321 §2.3.5: other servers hear it in EHLO.
        if !self.name.contains('.') {
            bail!("name = {:?}: give this host's full name in the DNS, e.g. mail.example.org", self.name);
        }
        for own in &mut self.domains {
            *own = domain("domains", own)?;
        }
        for route in &mut self.routes {
            route.domain = domain("route.domain", &route.domain)?;
            if route.host.parse::<std::net::IpAddr>().is_err() {
                route.host = domain("route.host", &route.host)?;
            }
        }
        self.check_dnssec()?;
        self.check_doors()?;
        if let Some(place) = self.mailboxes.lmtp.as_ref().filter(|place| !place.is_on_this_machine()) {
            bail!(
                "mailboxes.lmtp = {place}: mail goes there unencrypted, so it must be on this machine: \
                 an address like 127.0.0.1:24, or the path of a socket"
            );
        }
        if let Some(srs) = &mut self.store.srs {
            srs.check(&self.domains)?;
        }
        Ok(())
    }

    fn check_doors(&self) -> anyhow::Result<()> {
        let listen = &self.listen;
        let trusted = [("store", &listen.store), ("relay", &listen.relay), ("socketmap", &listen.socketmap)];
        for (name, place) in trusted {
            if let Some(place) = place.as_ref().filter(|place| !place.is_on_this_machine()) {
                bail!(
                    "listen.{name} = {place}: it trusts who connects, so it must be on this machine: \
                     an address like 127.0.0.1:10025, or the path of a socket"
                );
            }
        }
        let public = [listen.http, listen.submission, listen.submissions, listen.mx];
        if public.iter().all(Option::is_none) && trusted.iter().all(|(_, place)| place.is_none()) {
            bail!(
                "listen: nothing to serve; give at least one of http, submission, submissions, mx, store, relay, \
                 socketmap"
            );
        }
        if listen.socketmap.is_some() && self.relay.transport.is_none() {
            bail!(
                "relay.transport: with listen.socketmap, say by which of Postfix's transports mail comes to \
                 listen.relay, e.g. tls-guarantee:[127.0.0.1]:10025"
            );
        }
        Ok(())
    }

    fn check_dnssec(&self) -> anyhow::Result<()> {
        let DnssecOptions { anchor, trust_ad } = &self.dnssec;
        if *trust_ad && anchor.is_some() {
            bail!(
                "dnssec.anchor and dnssec.trust_ad: either this server validates or the DNS server; give one"
            );
        }
        if let (true, Some(server)) = (trust_ad, self.dns.iter().find(|server| !server.ip().is_loopback())) {
            bail!(
                "dnssec.trust_ad = true, dns = {server}: anybody on the way can set the AD bit; \
                 name a validating server on loopback, e.g. 127.0.0.1:53, or leave trust_ad out"
            );
        }
        Ok(())
    }

    /// What is at home here, but for what needs a secret.
    pub fn local(&self) -> Local {
        Local {
            server_name: self.name.clone(),
            domains: self.domains.clone(),
            postmaster: self.postmaster.clone(),
            lmtp: self.mailboxes.lmtp.clone().map(|place| Arc::new(Lmtp::new(place, self.name.clone()))),
            srs: None,
        }
    }

    /// The routes by domain.
    pub fn routes(&self) -> HashMap<String, Route> {
        let route = |entry: &RouteEntry| Route { host: entry.host.clone(), port: entry.port };
        self.routes.iter().map(|entry| (entry.domain.clone(), route(entry))).collect()
    }

    /// How far answers of the DNS are believed. Fails when the anchor's file can't be read.
    pub fn dnssec(&self) -> anyhow::Result<Dnssec> {
        let anchor = match &self.dnssec {
            DnssecOptions { trust_ad: true, .. } => return Ok(Dnssec::TrustAd),
            DnssecOptions { anchor: Some(path), .. } => fs::read_to_string(path)
                .with_context(|| format!("dnssec.anchor = {}: can't be read", path.display()))?,
            DnssecOptions { anchor: None, .. } => ROOT_ANCHOR.to_owned(),
        };
        Ok(Dnssec::Validate { anchor })
    }

    /// The authorities trusted besides the well-known ones. Fails when their file can't be read.
    pub fn roots(&self) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        match &self.authorities {
            None => Ok(Vec::new()),
            Some(path) => certificates(path).with_context(|| format!("authorities = {}", path.display())),
        }
    }

    /// What signs users' mail. Fails when the key can't be used.
    pub fn signer(&self) -> anyhow::Result<Option<Arc<Signer>>> {
        match &self.dkim {
            Some(dkim) if dkim.sign_mail => Ok(Some(dkim.signer()?)),
            Some(_) | None => Ok(None),
        }
    }

    /// Who reports on transport security, and what signs the reports. Fails when the contact is no address, or when
    /// nothing signs them.
    pub fn reporter(&self) -> anyhow::Result<Option<(Reporter, Arc<Signer>)>> {
        let Some(TlsRptOptions { organization, contact }) = &self.tls_rpt else { return Ok(None) };
        let reporter = Reporter::new(organization, contact).context("tls_rpt.contact")?;
        let Some(dkim) = &self.dkim else {
            bail!(
                "tls_rpt: reports must be signed (RFC 8460 §3); add [dkim] for {}",
                reporter.contact().domain()
            )
        };
        let signer = dkim.signer()?;
        if !signer.domain().eq_ignore_ascii_case(reporter.contact().domain()) {
            bail!(
                "tls_rpt.contact = {contact:?}: reports are signed for dkim.domain = {:?}; give a contact there",
                signer.domain()
            );
        }
        Ok(Some((reporter, signer)))
    }

    /// Whom to ask.
    pub fn dns(&self) -> DnsServers {
        if self.dns.is_empty() { DnsServers::System } else { DnsServers::At(self.dns.clone()) }
    }
}

impl DkimOptions {
    fn signer(&self) -> anyhow::Result<Arc<Signer>> {
        let Self { domain, selector, key, .. } = self;
        let pem = fs::read_to_string(key).with_context(|| format!("dkim.key = {}", key.display()))?;
        Ok(Arc::new(Signer::new(domain, selector, &pem).context("dkim")?))
    }
}

/// The certificates of a PEM file; at least one.
pub fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).context("can't be read")?.collect();
    let all = all.context("is no PEM file of certificates")?;
    anyhow::ensure!(!all.is_empty(), "there is no certificate in it");
    Ok(all)
}

fn domain(field: &str, value: &str) -> anyhow::Result<String> {
    match Domain::parse(value) {
        Ok(domain) => Ok(domain.as_str().to_owned()),
        Err(error) => bail!("{field} = {value:?}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(text: &str) -> anyhow::Result<Config> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), text)?;
        Config::read(file.path())
    }

    const GOOD: &str =
        "name = \"mail.example.org\"\ndata = \"/tmp/x\"\n[listen]\nsubmission = \"127.0.0.1:5870\"\n";

    #[test]
    fn a_small_file_is_enough() {
        let config = read(GOOD).expect("valid");
        assert_eq!(config.keep_days, 30);
        assert_eq!(config.dns(), DnsServers::System);
        let anchor = ROOT_ANCHOR.to_owned();
        assert_eq!(config.dnssec().expect("IANA's"), Dnssec::Validate { anchor });
    }

    /// That this name leads to an address is for who runs the server: it may be one that only the world's DNS knows.
    // rfc 5321 2.3.5: MUST The domain name given in the EHLO command
    // rfc 5321 4.1.4: MUST The SMTP client MUST, if possible, ensure
    #[rstest]
    #[case::nickname("mail")]
    #[case::localhost("localhost")]
    #[case::address("192.0.2.1")]
    #[case::literal("[192.0.2.1]")]
    #[case::no_host_name("my_host.example.org")]
    fn the_server_has_a_full_name(#[case] name: &str) {
        let error = read(&GOOD.replace("mail.example.org", name)).expect_err("no host's name");
        assert!(format!("{error:#}").contains(&format!("name = {name:?}: ")), "{error:#}");
    }

    #[test]
    fn answers_of_the_dns_are_proven_as_configured() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), ". IN DS 1 8 2 AB").expect("written");
        let anchor = |path: &Path| format!("{GOOD}[dnssec]\nanchor = {path:?}\n");
        let validate = Dnssec::Validate { anchor: ". IN DS 1 8 2 AB".to_owned() };
        assert_eq!(read(&anchor(file.path())).expect("valid").dnssec().expect("read"), validate);
        let missing = read(&anchor(Path::new("/gone"))).expect("valid").dnssec().expect_err("missing");
        assert!(format!("{missing:#}").starts_with("dnssec.anchor = /gone: can't be read"), "{missing:#}");
        let trusted = format!("{GOOD}[dnssec]\ntrust_ad = true\n");
        assert_eq!(read(&trusted).expect("valid").dnssec().expect("trusted"), Dnssec::TrustAd);
    }

    #[test]
    fn reports_need_a_signature_of_their_contacts_domain() {
        let key = tempfile::NamedTempFile::new().expect("a file");
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
        fs::write(key.path(), pair.serialize_pem()).expect("written");
        let rpt = |contact: &str| format!("{GOOD}[tls_rpt]\norganization = \"O\"\ncontact = \"{contact}\"\n");
        let dkim = format!("[dkim]\ndomain = \"example.org\"\nselector = \"s\"\nkey = {:?}\n", key.path());
        let told = |text: &str| match read(text).expect("well-formed").reporter() {
            Ok(reporter) => format!("{}", reporter.is_some()),
            Err(error) => format!("{error:#}"),
        };
        assert_eq!(told(GOOD), "false");
        assert!(told(&rpt("postmaster@example.org")).starts_with("tls_rpt: reports must be signed"));
        assert_eq!(told(&(rpt("postmaster@example.org") + &dkim)), "true");
        assert!(told(&(rpt("postmaster@other.example") + &dkim)).starts_with("tls_rpt.contact = "));
        assert!(told(&(rpt("nobody") + &dkim)).starts_with("tls_rpt.contact: "));
        let signer = read(&(GOOD.to_owned() + &dkim)).expect("well-formed").signer().expect("a key");
        assert!(signer.is_none(), "users' mail is signed on request only");
    }

    #[rstest]
    #[case::unknown_key("colour = 1\n", "colour")]
    #[case::name("name = \"not a name\"\ndata = \"/x\"\n[listen]\nmx = \"127.0.0.1:25\"\n", "name")]
    #[case::nothing("name = \"a.example\"\ndata = \"/x\"\n", "listen")]
    #[case::store(
        "name = \"a.example\"\ndata = \"/x\"\n[listen]\nstore = \"192.0.2.1:2626\"\n",
        "listen.store"
    )]
    #[case::dnssec(
        "name = \"a.example\"\ndata = \"/x\"\n[listen]\nmx = \"127.0.0.1:25\"\n[dnssec]\nanchor = \"/x\"\ntrust_ad = true\n",
        "dnssec.anchor and dnssec.trust_ad"
    )]
    #[case::trust_ad(
        "name = \"a.example\"\ndata = \"/x\"\ndns = [\"127.0.0.1:53\", \"192.0.2.1:53\"]\n[listen]\nmx = \"127.0.0.1:25\"\n[dnssec]\ntrust_ad = true\n",
        "dns = 192.0.2.1:53"
    )]
    #[case::relay(
        "name = \"a.example\"\ndata = \"/x\"\n[listen]\nrelay = \"192.0.2.1:25\"\n",
        "listen.relay"
    )]
    #[case::place("name = \"a.example\"\ndata = \"/x\"\n[listen]\nstore = \"run/socket\"\n", "run/socket")]
    #[case::socketmap(
        "name = \"a.example\"\ndata = \"/x\"\n[listen]\nsocketmap = \"/run/socketmap\"\n",
        "relay.transport"
    )]
    #[case::srs(
        "name = \"a.example\"\ndata = \"/x\"\n[listen]\nmx = \"127.0.0.1:25\"\n[store.srs]\ndomain = \"b.example\"\nsecret = \"/x\"\n",
        "store.srs.domain"
    )]
    #[case::port("name = \"a.example\"\ndata = \"/x\"\n[listen]\nmx = \"127.0.0.1\"\n", "mx")]
    fn errors_name_the_field(#[case] text: &str, #[case] field: &str) {
        let error = format!("{:#}", read(text).expect_err("invalid"));
        assert!(error.contains(field), "{error}");
    }
}
