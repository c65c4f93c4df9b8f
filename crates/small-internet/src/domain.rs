//! The domains of the world: which names there are, and which hosts stand behind them.

use std::collections::BTreeMap;

use crate::{
    host::{Behaviour, Certificate, Extension},
    policy::Policy,
    tlsa::{Tlsa, TlsaPorts, TlsaSet},
};

/// A domain of the world. Its name is an A-label name without a final dot, such as `tls.example`.
#[derive(Clone, Debug)]
pub struct Domain {
    /// The domain's name.
    pub name: String,
    /// What DNS says of it.
    pub records: Records,
    /// Whether its zone is signed. An alias has no zone of its own.
    pub signing: Signing,
    /// TLSA records of hosts.
    pub tlsa: Vec<TlsaSet>,
    /// Texts of TXT records, by name.
    pub txt: BTreeMap<String, Vec<String>>,
    /// Targets of CNAME records, by name.
    pub aliases: BTreeMap<String, String>,
    /// What it has for MTA-STS; `None`: not even a policy host.
    pub policy: Option<Policy>,
}

/// Whether and how a zone is signed. The root and `example.` always are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signing {
    /// Not signed; the parent proves that it is an insecure delegation.
    #[default]
    Unsigned,
    /// Signed: ECDSA P-256 (algorithm 13), NSEC.
    Signed,
    /// Signed as of yesterday: RSASHA1-NSEC3-SHA1 (algorithm 7), NSEC3 with salt and iterations.
    Dated,
    /// Signed in a way that cannot validate.
    Bogus(Flaw),
}

/// What is wrong with a bogus zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Every signature has an octet altered.
    Forged,
    /// All signatures expired yesterday.
    Expired,
    /// All signatures begin to be valid tomorrow.
    NotYetValid,
    /// All but the keys is signed by a key that is not among them.
    WrongKey,
    /// The zone has keys, the parent vouches for them, and nothing is signed.
    NoSignatures,
    /// The parent's DS matches none of the zone's keys.
    OrphanDs,
}

/// What DNS says of a domain.
#[derive(Clone, Debug)]
pub enum Records {
    /// MX records.
    Mx {
        /// The MX hosts, in any order.
        hosts: Vec<MxHost>,
        /// The host at the domain's own address, where no client may bring mail (RFC 5321 §5.1); `None`: no A record.
        own: Option<Behaviour>,
    },
    /// `MX 0 .` (RFC 7505).
    NullMx {
        /// The host at the domain's own address, where no client may bring mail.
        own: Option<Behaviour>,
    },
    /// No MX record, only an address: the implicit MX of RFC 5321 §5.1.
    Implicit(Behaviour),
    /// A CNAME to this name.
    Alias(String),
    /// The name exists, with neither MX nor address.
    Nothing,
}

/// An MX record and what stands behind it.
#[derive(Clone, Debug)]
pub struct MxHost {
    /// The record's preference; the lowest is tried first.
    pub preference: u16,
    /// The host's name, an A-label name without a final dot.
    pub name: String,
    /// What stands behind the name.
    pub site: Site,
}

/// What stands behind the name of an MX host.
#[derive(Clone, Debug)]
pub enum Site {
    /// One address for each behaviour; none: the name does not exist.
    Own(Vec<Behaviour>),
    /// The name is another domain's: its MX host, its own name, or an alias.
    Elsewhere,
    /// The server under test: connections are passed on to [`crate::World::set_home`]'s address.
    Home,
}

impl Domain {
    /// A domain with one MX host, `mx.NAME`.
    pub fn new(name: &str, behaviour: Behaviour) -> Self {
        Self::with_mx(name, vec![MxHost::new(10, &format!("mx.{name}"), behaviour)])
    }

    /// A domain with several MX hosts, `mx1.NAME`, `mx2.NAME` and so on.
    pub fn with_hosts(name: &str, hosts: impl IntoIterator<Item = (u16, Behaviour)>) -> Self {
        let host =
            |(i, (preference, behaviour))| MxHost::new(preference, &format!("mx{}.{name}", i + 1), behaviour);
        Self::with_mx(name, hosts.into_iter().enumerate().map(host).collect())
    }

    /// A domain with these MX hosts. A host at the domain's own address takes mail, so that a client that goes
    /// there by mistake is seen in the deliveries.
    pub fn with_mx(name: &str, hosts: Vec<MxHost>) -> Self {
        Self::of(name, Records::Mx { hosts, own: Some(Behaviour::plain()) })
    }

    /// A domain that accepts no mail. A host at its own address takes mail, as with [`Domain::with_mx`].
    pub fn null_mx(name: &str) -> Self {
        Self::of(name, Records::NullMx { own: Some(Behaviour::plain()) })
    }

    /// A domain without MX, whose own address is a mail host.
    pub fn implicit(name: &str, behaviour: Behaviour) -> Self {
        Self::of(name, Records::Implicit(behaviour))
    }

    /// A name that is a CNAME to another.
    pub fn alias(name: &str, target: &str) -> Self {
        Self::of(name, Records::Alias(target.to_owned()))
    }

    /// A domain that exists and has neither MX nor address.
    pub fn nothing(name: &str) -> Self {
        Self::of(name, Records::Nothing)
    }

    fn of(name: &str, records: Records) -> Self {
        Self {
            name: name.to_owned(),
            records,
            signing: Signing::default(),
            tlsa: Vec::new(),
            txt: BTreeMap::new(),
            aliases: BTreeMap::new(),
            policy: None,
        }
    }

    /// The same with a signed zone.
    #[must_use]
    pub fn signed(self) -> Self {
        self.signing(Signing::Signed)
    }

    /// The same with its zone signed in this way.
    #[must_use]
    pub fn signing(self, signing: Signing) -> Self {
        Self { signing, ..self }
    }

    /// The same with these TLSA records of a host, at the world's SMTP port and at port 25.
    #[must_use]
    pub fn tlsa(self, host: &str, records: impl IntoIterator<Item = Tlsa>) -> Self {
        self.tlsa_at(TlsaPorts::Smtp, host, records)
    }

    /// The same with these TLSA records of a host.
    #[must_use]
    pub fn tlsa_at(mut self, ports: TlsaPorts, host: &str, records: impl IntoIterator<Item = Tlsa>) -> Self {
        self.tlsa.push(TlsaSet { host: host.to_owned(), ports, records: records.into_iter().collect() });
        self
    }

    /// The same with one more TXT record at this name, such as `_smtp._tls.NAME`; `*` may be its first label.
    #[must_use]
    pub fn txt(mut self, name: &str, text: &str) -> Self {
        self.txt.entry(name.to_owned()).or_default().push(text.to_owned());
        self
    }

    /// The same with this for MTA-STS.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy: Some(policy), ..self }
    }

    /// The same with a CNAME record at this name, such as that of an MX host or `_25._tcp` of one.
    #[must_use]
    pub fn cname(mut self, name: &str, target: &str) -> Self {
        self.aliases.insert(name.to_owned(), target.to_owned());
        self
    }
}

impl MxHost {
    /// A host with one address.
    pub fn new(preference: u16, name: &str, behaviour: Behaviour) -> Self {
        Self { preference, name: name.to_owned(), site: Site::Own(vec![behaviour]) }
    }

    /// A host that another domain defines.
    pub fn elsewhere(preference: u16, name: &str) -> Self {
        Self { preference, name: name.to_owned(), site: Site::Elsewhere }
    }
}

/// The rows of the contract's table, and four names for tests: `implicit.example` (no MX), `alias.example` (CNAME to
/// `tls.example`), `nothing.example` (neither MX nor address) and `alg7.example` (like `dane.example`, in a zone signed
/// as of yesterday).
pub fn table() -> Vec<Domain> {
    vec![
        home(),
        Domain::new("tls.example", Behaviour::tls()),
        Domain::new("verified.example", Behaviour::verified()).signed(),
        Domain::new("plain.example", Behaviour::plain()),
        Domain::new("legacy.example", Behaviour::legacy()),
        Domain::new("broken.example", Behaviour::broken()),
        Domain::new("sts.example", Behaviour::verified()).policy(Policy::enforce(["mx.sts.example"])),
        Domain::new("sts-mismatch.example", Behaviour::certified(for_another_name()))
            .policy(Policy::enforce(["mx.sts-mismatch.example"])),
        Domain::new("stripped.example", Behaviour::stripped()),
        Domain::new("dane.example", Behaviour::tls().with(Extension::RequireTls))
            .signed()
            .tlsa("mx.dane.example", [Tlsa::host()]),
        Domain::new("dane-mismatch.example", Behaviour::tls())
            .signed()
            .tlsa("mx.dane-mismatch.example", [Tlsa::mismatch()]),
        Domain::new("alg7.example", Behaviour::tls())
            .signing(Signing::Dated)
            .tlsa("mx.alg7.example", [Tlsa::host()]),
        Domain::new("bogus.example", Behaviour::verified()).signing(Signing::Bogus(Flaw::Forged)),
        Domain::with_hosts("mixed.example", [(10, Behaviour::plain()), (20, Behaviour::tls())]),
        Domain::new("down.example", Behaviour::down()),
        Domain::null_mx("nomail.example"),
        Domain::implicit("implicit.example", Behaviour::tls()),
        Domain::alias("alias.example", "tls.example"),
        Domain::nothing("nothing.example"),
    ]
}

fn for_another_name() -> Certificate {
    Certificate::TrustedFor("mx.another-name.example".to_owned())
}

fn home() -> Domain {
    let mx = MxHost { preference: 10, name: "mx.home.example".to_owned(), site: Site::Home };
    Domain::of("home.example", Records::Mx { hosts: vec![mx], own: Some(Behaviour::down()) })
}
