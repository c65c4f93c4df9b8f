//! Hosts that speak one version of the protocol and no other: only TLS 1.2 and 1.3 get a guaranteed mail (P13).

use std::time::Duration;

use delivery::{Fate, Patience};
use guarantee::{Requirement, TlsVersion};
use openssl::{
    pkey::PKey,
    ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslVersion},
    x509::X509,
};
use rcgen::{CertificateParams, KeyPair};
use rstest::rstest;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_openssl::SslStream;

use crate::{
    fixture::{Encrypted, Opportunistic, attempt},
    peer::{Lines, Peer, session, up_to_starttls},
};

/// What a host speaks after STARTTLS.
#[derive(Clone)]
enum Speaks {
    /// A ServerHello with a suite of that time, and nothing more.
    Ssl3,
    Only(SslContext),
}

/// A ServerHello of SSLv3 (RFC 6101 §5.6.1.3) that chooses TLS_RSA_WITH_3DES_EDE_CBC_SHA.
fn ssl3_server_hello() -> Vec<u8> {
    let body = [&[3, 0][..], &[7; 32], &[0, 0x00, 0x0a, 0]].concat();
    let length = u8::try_from(body.len()).unwrap();
    [&[22, 3, 0, 0, length + 4, 2, 0, 0, length][..], &body].concat()
}

fn only(version: SslVersion) -> Speaks {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["peer.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    let mut context = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
    context.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    context.set_min_proto_version(Some(version)).unwrap();
    context.set_max_proto_version(Some(version)).unwrap();
    context.set_certificate(&X509::from_der(certificate.der()).unwrap()).unwrap();
    context.set_private_key(&PKey::private_key_from_der(&key.serialize_der()).unwrap()).unwrap();
    Speaks::Only(context.build())
}

async fn serve(stream: TcpStream, lines: Lines, speaks: Speaks) {
    let Some(mut stream) = up_to_starttls(stream, &lines).await else { return };
    match speaks {
        Speaks::Ssl3 => {
            let mut hello = [0; 4096];
            let _hello = stream.read(&mut hello).await;
            let _gone = stream.write_all(&ssl3_server_hello()).await;
            while stream.read(&mut hello).await.is_ok_and(|count| count > 0) {}
        }
        Speaks::Only(context) => {
            let mut stream = SslStream::new(Ssl::new(&context).unwrap(), stream).unwrap();
            if std::pin::Pin::new(&mut stream).accept().await.is_ok() {
                session(&mut stream, "", &lines).await;
            }
        }
    }
}

/// With the guarantee: delivered in this version, or stopped with nothing of a mail said. Without: in clear, rather than in
/// an old version.
// rfc 8461 7.2: MUST MTAs supporting MTA-STS MUST have support for TLS 1.2
#[rstest]
#[case::ssl_3(Speaks::Ssl3, None)]
#[case::tls_1_0(only(SslVersion::TLS1), None)]
#[case::tls_1_1(only(SslVersion::TLS1_1), None)]
#[case::tls_1_2(only(SslVersion::TLS1_2), Some(TlsVersion::Tls12))]
#[case::tls_1_3(only(SslVersion::TLS1_3), Some(TlsVersion::Tls13))]
#[tokio::test(flavor = "multi_thread")]
async fn p13_only_new_tls_gets_a_guaranteed_mail(
    #[case] speaks: Speaks,
    #[case] version: Option<TlsVersion>,
) {
    let patience = Patience { single: Duration::from_secs(10), ..Patience::default() };
    let fate = async |requirement: Requirement| {
        let speaks = speaks.clone();
        let peer = Peer::start(move |stream, lines| serve(stream, lines, speaks.clone())).await;
        let mut fates = peer.courier(patience).attempt(attempt("peer.example", requirement)).await.fates;
        (fates.remove(0), peer.count("MAIL"))
    };
    let (guaranteed, mails) = fate(Encrypted).await;
    match version {
        None => {
            assert!(
                matches!(&guaranteed, Fate::Stopped { cause, .. } if cause.status() == "5.7.5"),
                "{guaranteed:?}"
            );
            assert_eq!(mails, 0);
        }
        Some(version) => {
            let Fate::Delivered { tls: Some(tls), .. } = guaranteed else { panic!("{guaranteed:?}") };
            assert_eq!((tls.version, mails), (version, 1));
        }
    }
    let (unguarded, mails) = fate(Opportunistic).await;
    let Fate::Delivered { tls, .. } = unguarded else { panic!("{unguarded:?}") };
    assert_eq!((tls.map(|tls| tls.version), mails), (version, 1));
}
