//! A mail host that does no more than to show its certificate.

use std::{net::SocketAddr, sync::Arc};

use rustls::{ServerConfig, crypto::aws_lc_rs};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::pki::Presented;

/// Listens until the test ends; without `presented` it has no STARTTLS.
pub(crate) async fn start(address: SocketAddr, presented: Option<&Presented>) {
    let acceptor = presented.map(|presented| {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(presented.chain.clone(), presented.key())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    });
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move { serve(stream, acceptor).await });
        }
    });
}

async fn serve(stream: TcpStream, acceptor: Option<TlsAcceptor>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mx.example\r\n").await.ok()?;
    let offer = if acceptor.is_some() { "250-mx.example\r\n250 STARTTLS\r\n" } else { "250 mx.example\r\n" };
    dialogue(&mut stream, offer).await?;
    let stream = acceptor?.accept(stream.into_inner()).await.ok()?;
    dialogue(&mut BufReader::new(stream), "250 mx.example\r\n").await
}

/// Up to STARTTLS, which is answered; `None` at the end.
async fn dialogue<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, offer: &str) -> Option<()> {
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let word = line.trim_end().to_ascii_uppercase();
        let reply = match word.split(' ').next().unwrap_or_default() {
            "EHLO" => offer,
            "STARTTLS" if offer.contains("STARTTLS") => "220 go ahead\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "502 no\r\n",
        };
        stream.write_all(reply.as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
        match reply {
            "220 go ahead\r\n" => return Some(()),
            "221 bye\r\n" => return None,
            _ => {}
        }
    }
}
