//! Hosts odder than those of the small internet.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use delivery::Patience;
use openssl::{
    asn1::Asn1Time,
    bn::{BigNum, MsbOption},
    hash::MessageDigest,
    pkey::PKey,
    rsa::Rsa,
    ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslVersion},
    x509::{X509, X509NameBuilder},
};
use rcgen::{CertificateParams, KeyPair};
use rstest::rstest;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    fixture::{Encrypted, Opportunistic},
    peer::{End, Lines, Peer, session, up_to_starttls},
};

const FAILED: &str = "TLS is required, but the handshake with host PEER failed: ";

fn hurried() -> Patience {
    Patience { single: Duration::from_secs(1), ..Patience::default() }
}

fn self_signed() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["peer.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der()).into())
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

async fn talk_tls(acceptor: &TlsAcceptor, stream: TcpStream, lines: &Lines) {
    if let Ok(mut stream) = acceptor.accept(stream).await {
        session(&mut stream, "", lines).await;
    }
}

/// A reset is no answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_in_the_handshake_is_not_certain() {
    let peer = Peer::start(|stream, lines| async move {
        if let Some(stream) = up_to_starttls(stream, &lines).await {
            // With octets unread and no time to linger, closing resets.
            socket_option_linger(&stream);
        }
    })
    .await;
    let fate = peer.send(Patience::default(), Encrypted).await;
    assert_eq!(fate, format!("deferred 4.7.5: {FAILED}Connection reset by peer"));
    assert_eq!(peer.send(Patience::default(), Opportunistic).await, "delivered none");
    assert_eq!((peer.count("EHLO"), peer.count("STARTTLS")), (3, 2));
}

fn socket_option_linger(stream: &TcpStream) {
    #[expect(deprecated, reason = "a linger of zero never blocks")]
    stream.set_linger(Some(Duration::ZERO)).unwrap();
}

/// A host may be content with the handshake, and then ask for a certificate that we don't have. In TLS 1.3 its alert
/// comes when the client already counts the connection as established.
#[rstest]
#[case::tls_12(&rustls::version::TLS12)]
#[case::tls_13(&rustls::version::TLS13)]
#[tokio::test(flavor = "multi_thread")]
async fn an_alert_after_the_handshake(#[case] version: &'static rustls::SupportedProtocolVersion) {
    let (certificate, key) = self_signed();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let peer = Peer::start(move |stream, lines| {
        let acceptor = acceptor.clone();
        async move {
            if let Some(stream) = up_to_starttls(stream, &lines).await {
                talk_tls(&acceptor, stream, &lines).await;
            }
        }
    })
    .await;
    let fate = peer.send(Patience::default(), Encrypted).await;
    assert!(fate.starts_with(&format!("stopped 5.7.5: {FAILED}the host answered with the alert ")), "{fate}");
    assert_eq!((peer.count("STARTTLS"), peer.count("MAIL")), (2, 0));
    assert_eq!(peer.send(Patience::default(), Opportunistic).await, "delivered none");
}

/// TLS that ends right after the handshake is TLS that was interrupted.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_after_the_handshake() {
    let (certificate, key) = self_signed();
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let peer = Peer::start(move |stream, lines| {
        let acceptor = acceptor.clone();
        async move {
            if let Some(stream) = up_to_starttls(stream, &lines).await {
                let mut stream = acceptor.accept(stream).await.unwrap();
                stream.read_u8().await.unwrap();
            }
        }
    })
    .await;
    let fate = peer.send(Patience::default(), Encrypted).await;
    assert_eq!(fate, format!("deferred 4.7.5: {FAILED}the server closed the connection"));
    assert_eq!(peer.send(Patience::default(), Opportunistic).await, "delivered none");
}

/// A certificate that belongs to another key proves nothing, and the handshake is no TLS.
#[rstest]
#[case::tls_12(&rustls::version::TLS12)]
#[case::tls_13(&rustls::version::TLS13)]
#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_another_key_signed(#[case] version: &'static rustls::SupportedProtocolVersion) {
    let ((certificate, _), (_, other_key)) = (self_signed(), self_signed());
    let key = aws_lc_rs::sign::any_supported_type(&other_key).unwrap();
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Mismatched(Arc::new(CertifiedKey::new(vec![certificate], key)))));
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let peer = Peer::start(move |stream, lines| {
        let acceptor = acceptor.clone();
        async move {
            if let Some(stream) = up_to_starttls(stream, &lines).await {
                talk_tls(&acceptor, stream, &lines).await;
            }
        }
    })
    .await;
    let fate = peer.send(Patience::default(), Encrypted).await;
    assert_eq!(
        fate,
        format!("deferred 4.7.5: {FAILED}the handshake is not signed by the key of the host's certificate")
    );
    assert_eq!(peer.send(Patience::default(), Opportunistic).await, "delivered none");
}

#[derive(Debug)]
struct Mismatched(Arc<CertifiedKey>);

impl ResolvesServerCert for Mismatched {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// Certificates that the TLS library would refuse before it looks at the signature.
#[rstest]
#[case::v1_rsa_1024_pkcs1(0, 1024, SslVersion::TLS1_2, "RSA+SHA256")]
#[case::v1_rsa_1024_pss(0, 1024, SslVersion::TLS1_2, "rsa_pss_rsae_sha384")]
#[case::v3_rsa_1024_pkcs1(2, 1024, SslVersion::TLS1_2, "RSA+SHA512")]
#[case::v3_rsa_1024_pss(2, 1024, SslVersion::TLS1_3, "rsa_pss_rsae_sha256")]
#[case::v3_rsa_1536_pss(2, 1536, SslVersion::TLS1_3, "rsa_pss_rsae_sha512")]
#[case::v1_rsa_2048_pkcs1(0, 2048, SslVersion::TLS1_2, "RSA+SHA384")]
#[case::v1_rsa_2048_pss(0, 2048, SslVersion::TLS1_3, "rsa_pss_rsae_sha256")]
#[tokio::test(flavor = "multi_thread")]
async fn dated_certificates_encrypt(
    #[case] x509: i32,
    #[case] bits: u32,
    #[case] version: SslVersion,
    #[case] signature: &str,
) {
    let context = dated(x509, bits, version, signature);
    let peer = Peer::start(move |stream, lines| {
        let context = context.clone();
        async move {
            if let Some(stream) = up_to_starttls(stream, &lines).await {
                let mut stream = tokio_openssl::SslStream::new(Ssl::new(&context).unwrap(), stream).unwrap();
                std::pin::Pin::new(&mut stream).accept().await.unwrap();
                session(&mut stream, "", &lines).await;
            }
        }
    })
    .await;
    assert_eq!(peer.send(Patience::default(), Encrypted).await, "delivered encrypted");
}

fn dated(x509: i32, bits: u32, version: SslVersion, signature: &str) -> SslContext {
    let key = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "peer.example").unwrap();
    let name = name.build();
    let mut serial = BigNum::new().unwrap();
    serial.rand(64, MsbOption::MAYBE_ZERO, false).unwrap();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(x509).unwrap();
    certificate.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(365).unwrap()).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    let mut context = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
    context.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    context.set_min_proto_version(Some(version)).unwrap();
    context.set_max_proto_version(Some(version)).unwrap();
    context.set_sigalgs_list(signature).unwrap();
    context.set_certificate(&certificate.build()).unwrap();
    context.set_private_key(&key).unwrap();
    context.build()
}

/// A host that sends an octet now and then gains no time by it.
// rfc 5321 4.5.3.2: MUST An SMTP client MUST provide a timeout mechanism
#[tokio::test(flavor = "multi_thread")]
async fn a_greeting_octet_by_octet() {
    let peer = Peer::start(|mut stream, _| async move {
        for octet in b"220 peer.example is so slow that nobody waits for the end of this\r\n" {
            if stream.write_all(&[*octet]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
        sleep(Duration::from_secs(3600)).await;
    })
    .await;
    let begun = Instant::now();
    let fate = peer.send(hurried(), Encrypted).await;
    let lost = "deferred 4.4.2: lost connection with PEER while waiting for the greeting: the server did not answer in time";
    assert_eq!(fate, lost);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

/// Each recipient may take its time, but all in all an attempt ends.
// rfc 5321 4.5.3.2: MUST It MUST use per-command timeouts
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_takes_its_time_over_each_recipient() {
    async fn serve(mut stream: TcpStream, lines: Lines) {
        stream.write_all(b"220 peer.example\r\n").await.unwrap();
        let mut octets = [0; 1024];
        while let Ok(count @ 1..) = stream.read(&mut octets).await {
            let text = String::from_utf8_lossy(&octets[..count]).into_owned();
            for line in text.lines() {
                lines.lock().unwrap().push(line.to_owned());
                let reply: &[u8] = match line.get(..4).unwrap_or_default() {
                    "EHLO" => b"250-peer.example\r\n250 PIPELINING\r\n",
                    "DATA" => b"354 Go ahead\r\n",
                    _ => b"250 Fine\r\n",
                };
                if line.starts_with("RCPT") {
                    sleep(Duration::from_millis(400)).await;
                }
                if stream.write_all(reply).await.is_err() {
                    return;
                }
            }
        }
    }
    let mut slow = crate::fixture::attempt("peer.example", Opportunistic);
    slow.recipients = (0..6).map(|n| crate::fixture::recipient(&format!("bob{n}"), "peer.example")).collect();

    // Six recipients take longer than a single one may.
    let peer = Peer::start(serve).await;
    let fates = peer.courier(hurried()).attempt(slow.clone()).await.fates;
    assert_eq!(fates.iter().map(crate::peer::told).collect::<Vec<_>>(), ["delivered none"; 6]);

    let peer = Peer::start(serve).await;
    let short = Patience { single: Duration::from_secs(1), attempt: Duration::from_secs(1) };
    let begun = Instant::now();
    let fates = peer.courier(short).attempt(slow).await.fates;
    assert!(crate::peer::told(&fates[5]).starts_with("deferred 4.4.2"), "{fates:?}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

/// A host that stops reading in the middle of a large message.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_read_on() {
    let peer = Peer::start(|mut stream, _| async move {
        stream.write_all(b"220 peer.example\r\n").await.unwrap();
        let mut octets = [0; 1024];
        for reply in ["250 peer.example\r\n", "250 Fine\r\n", "250 Fine\r\n", "354 Go ahead\r\n"] {
            let _command = stream.read(&mut octets).await.unwrap();
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
        sleep(Duration::from_secs(3600)).await;
    })
    .await;
    let mut large = crate::fixture::attempt("peer.example", Opportunistic);
    large.content = vec![b'x'; 32 << 20].into();
    let fates = peer.courier(hurried()).attempt(large).await.fates;
    assert_eq!(
        crate::peer::told(&fates[0]),
        "deferred 4.4.2: lost connection with PEER while sending the message: the server did not answer in time"
    );
}

/// What is no SMTP ends the connection, within bounds.
// rfc 5321 4.2: SHOULD Clients that receive such out-of-range codes
#[rstest]
#[case::http(
    "HTTP/1.1 400 Bad Request\r\n",
    "the server sent a line that is no SMTP reply: HTTP/1.1 400 Bad Request"
)]
#[case::a_code_out_of_range("999 Hello\r\n", "the server sent a line that is no SMTP reply: 999 Hello")]
#[case::an_endless_line("", "the server sent a reply that does not end")]
#[tokio::test(flavor = "multi_thread")]
async fn no_smtp_at_all(#[case] greeting: &'static str, #[case] detail: &str) {
    let peer = Peer::start(move |mut stream, _| async move {
        if greeting.is_empty() {
            while stream.write_all(&[b'2'; 4096]).await.is_ok() {}
        }
        let _gone = stream.write_all(greeting.as_bytes()).await;
        sleep(Duration::from_secs(3600)).await;
    })
    .await;
    let fate = peer.send(Patience::default(), Encrypted).await;
    assert_eq!(
        fate,
        format!("deferred 4.4.2: lost connection with PEER while waiting for the greeting: {detail}")
    );
}

/// Replies that nobody asked for would be taken for the replies to what comes next.
#[tokio::test(flavor = "multi_thread")]
async fn replies_ahead_of_the_commands() {
    let peer = Peer::start(|mut stream, lines| async move {
        stream.write_all(b"220 peer.example\r\n250 peer.example\r\n250 Fine\r\n250 Fine\r\n").await.unwrap();
        session(&mut stream, "", &lines).await;
    })
    .await;
    let fate = peer.send(Patience::default(), Opportunistic).await;
    assert!(fate.starts_with("deferred 4.4.2: lost connection with PEER"), "{fate}");
    assert_eq!(peer.count("MAIL"), 0);
}

/// EHLO keywords are whole words in any case.
// rfc 5321 4.1.1.1: MUST Although EHLO keywords may be specified
#[rstest]
#[case::lower_case("starttls", true)]
#[case::part_of_another("XSTARTTLS", false)]
#[case::parameter("HELP STARTTLS", false)]
#[tokio::test(flavor = "multi_thread")]
async fn keywords(#[case] keyword: &'static str, #[case] offered: bool) {
    let peer = Peer::start(move |mut stream, lines| async move {
        stream.write_all(b"220 peer.example\r\n").await.unwrap();
        let end = session(&mut stream, keyword, &lines).await;
        assert_eq!(end == End::StartTls, offered);
    })
    .await;
    let fate = peer.send(Patience::default(), Encrypted).await;
    assert_eq!(fate.starts_with("stopped 5.7.4"), !offered, "{fate}");
    assert_eq!((peer.count("STARTTLS"), peer.count("MAIL")), (usize::from(offered), 0));
}

/// What a probe tells of a host does not depend on what it once showed.
#[tokio::test(flavor = "multi_thread")]
async fn a_probe_takes_up_no_session() {
    let (certificate, key) = self_signed();
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let peer = Peer::start(move |stream, lines| {
        let acceptor = acceptor.clone();
        async move {
            if let Some(stream) = up_to_starttls(stream, &lines).await {
                let mut stream = acceptor.accept(stream).await.unwrap();
                let kind = stream.get_ref().1.handshake_kind();
                lines.lock().unwrap().push(format!("handshake {kind:?}"));
                session(&mut stream, "", &lines).await;
            }
        }
    })
    .await;
    let courier = peer.courier(Patience::default());
    for _ in 0..2 {
        let fates = courier.attempt(crate::fixture::attempt("peer.example", Encrypted)).await.fates;
        assert_eq!(crate::peer::told(&fates[0]), "delivered encrypted");
        courier.close_idle().await;
    }
    assert_eq!((peer.count("handshake Some(Full"), peer.count("handshake")), (1, 2));
    let probe = courier.probe("peer.example", Encrypted, delivery::Extent::All).await;
    assert_eq!(probe.conclusion, Ok(guarantee::Protection::Encrypted));
    assert_eq!((peer.count("handshake Some(Full"), peer.count("handshake")), (2, 3));
}
