//! Mail with DANE to real mail servers: delivered while the certificate is the published one.

use std::cell::RefCell;

use delivery::{Attempt, AttemptRecipient, Courier, Fate};
use guarantee::{Authentication, Cause, History, Protection, Requirement};
use jiff::Timestamp;
use smtp::envelope::{Notify, ReversePath};

use crate::{
    dane::courier,
    mail_servers::{Exim, MailServer, Postfix},
    namespace::{self, Place},
    pki::{Names, Presented},
    zones::{signed, signing, tops},
};

const POSTFIX: &str = "127.25.2.1";
const EXIM: &str = "127.25.2.2";

// rfc 7672 2.2: MUST A "secure" TLSA RRset with at least one usable record: Any connection to the MTA MUST employ
// rfc 7672 2.2: MUST authenticate the SMTP server using the
#[test]
fn postfix_and_exim_receive_as_long_as_they_prove_themselves() {
    if let Place::Outside =
        namespace::enter("receivers::postfix_and_exim_receive_as_long_as_they_prove_themselves")
    {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Both servers' own users look below it.
    namespace::command("chmod", &["755", folder.path().to_str().unwrap()]);
    let presented = |kind, name: &str| {
        let host = format!("mx.{name}.r.example");
        Presented::new(kind, &Names { host: &host, domain: &format!("{name}.r.example") })
    };
    // Without time to live, so that the resolver's answer is fresh each time: only then a mismatch is certain.
    // The one proves itself by its key, the other by its issuer.
    let (own, issued) = (presented("self", "postfix"), presented("issued+root", "exim"));
    let mut zone = signed("r.example", signing());
    zone.extra = format!(
        "postfix MX 10 mx.postfix\nmx.postfix A {POSTFIX}\n_25._tcp.mx.postfix 0 TLSA {}\n\
         exim MX 10 mx.exim\nmx.exim A {EXIM}\n_25._tcp.mx.exim 0 TLSA {}\n",
        own.tlsa("3 1 1 leaf"),
        issued.tlsa("2 0 1 root"),
    );
    let mut zones = tops();
    zones.push(zone);
    let courier = courier(folder.path(), &zones);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let place = |name| folder.path().join(name);
    let postfix = Postfix { folder: place("postfix"), address: POSTFIX };
    let exim = Exim { folder: place("exim"), address: EXIM, process: RefCell::default() };
    let servers: [(&str, &dyn MailServer, &Presented, &str); 2] =
        [("postfix", &postfix, &own, "self"), ("exim", &exim, &issued, "issued+root")];
    for (name, server, presented_now, kind) in servers {
        if let Err(why) = server.start(presented_now) {
            println!("not run: {name}: {why}");
            continue;
        }
        let send = |word: &str| runtime.block_on(send(&courier, &format!("{name}.r.example"), word));
        let Fate::Delivered { protection, authentication, tls, .. } = send("proven") else {
            panic!("{name}: {:?}", send("proven"));
        };
        assert_eq!(protection, Protection::Dane);
        assert!(matches!(authentication, Authentication::Dane { .. }), "{authentication:?}");
        println!("{name}: delivered with DANE, {:?}", tls.map(|tls| (tls.version, tls.cipher)));
        let taken = |word: &str| server.taken().iter().any(|text| text.contains(&format!("the {word} mail")));
        assert!(taken("proven"), "{:?}", server.taken());

        server.stop();
        runtime.block_on(courier.close_idle());
        server.start(&presented(kind, name)).unwrap();
        match send("unproven") {
            Fate::Stopped { cause: cause @ Cause::Mismatch { .. }, .. } => {
                println!("{name}: with another certificate stopped: {}", cause.text());
            }
            fate => panic!("{name}: {fate:?}"),
        }
        assert!(!taken("unproven"), "{:?}", server.taken());

        // And again, when it has its certificate back.
        server.stop();
        server.start(presented_now).unwrap();
        assert!(matches!(send("third"), Fate::Delivered { protection: Protection::Dane, .. }));
        assert!(taken("third") && !taken("unproven"));
        server.stop();
    }
}

async fn send(courier: &Courier, domain: &str, word: &str) -> Fate {
    let attempt = Attempt {
        next_hop: domain.to_owned(),
        requirement: Requirement::Encrypted,
        requiretls: false,
        reverse_path: ReversePath::Address("alice@home.example".to_owned()),
        ret: None,
        envid: None,
        smtputf8: false,
        eight_bit: false,
        recipients: vec![AttemptRecipient {
            address: format!("bob@{domain}"),
            notify: Notify::Unspecified,
            orcpt: None,
            history: History::default(),
        }],
        content: format!("Message-ID: <{word}@home.example>\r\nSubject: x\r\n\r\nthe {word} mail\r\n").into(),
        now: Timestamp::now(),
    };
    courier.attempt(attempt).await.fates.remove(0)
}
