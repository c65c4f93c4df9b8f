//! A policy host: HTTP/1.1 over TLS, one request a connection. Written by hand, because a library would not send what
//! some of these hosts send.

use std::{io, time::Duration};

use anyhow::Result;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    ca::Ca,
    log::{Channel, Command, Event},
    policy::{Page, Policy, PolicyAnswer},
    smtp::{Place, Records, handshake},
    tls,
    wire::{Line, Wire},
};

/// How long a client may take for its request.
const IDLE: Duration = Duration::from_secs(60);
const MAX_HEADERS: usize = 100;
const PATH: &str = "/.well-known/mta-sts.txt";

/// A policy host, ready.
pub(crate) struct Site {
    pub(crate) answer: PolicyAnswer,
    tls: tls::Ready,
}

/// What is wanted of a request.
struct Request {
    line: String,
    host: String,
}

impl Site {
    pub(crate) fn new(ca: &Ca, host: &str, policy: &Policy) -> Result<Self> {
        Ok(Self { answer: policy.answer.clone(), tls: tls::Ready::new(ca, host, &policy.handshake)? })
    }
}

/// Where reports can be posted.
const REPORTS: &str = "/reports";

/// Serves one connection.
pub(crate) async fn serve(tcp: TcpStream, place: &Place, site: &Site, records: &Records) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    records.log.add(Event::Connected { host: place.host.clone() });
    let Some((stream, _)) = handshake(&site.tls, Box::new(tcp), &place.host, records).await? else {
        return Ok(());
    };
    let mut wire = Wire::new(stream);
    let Some(request) = timeout(IDLE, read(&mut wire)).await?? else { return Ok(()) };
    records.log.add(Event::Command(Command {
        host: place.host.clone(),
        channel: Channel::Tls,
        line: request.line.clone(),
    }));
    let page = |status, text| Page::text(text).status(status);
    let host = request.host.rsplit_once(':').map_or(&*request.host, |(host, _)| host);
    let mut line = request.line.split(' ');
    match (line.next(), line.next()) {
        _ if !host.eq_ignore_ascii_case(&place.host) => {
            send(&mut wire, &page(421, "Another host is asked for\n")).await?;
        }
        (Some("GET"), Some(PATH)) => answer(&mut wire, &site.answer).await?,
        (Some("GET"), _) => send(&mut wire, &page(404, "There is nothing\n")).await?,
        // Reports on transport security (RFC 8460 §5.4); what they say is not kept.
        (Some("POST"), Some(REPORTS)) => send(&mut wire, &page(201, "Thank you\n")).await?,
        _ => send(&mut wire, &page(405, "Only GET is possible\n")).await?,
    }
    wire.finish().await
}

/// Reads a request without body; `None` if the client went, or sent something else.
async fn read(wire: &mut Wire) -> io::Result<Option<Request>> {
    let mut request = Request { line: String::new(), host: String::new() };
    for number in 0..MAX_HEADERS {
        let Line::Command(line) = wire.line().await? else { return Ok(None) };
        let line = String::from_utf8_lossy(&line).into_owned();
        match line.split_once(':') {
            _ if number == 0 => request.line = line,
            _ if line.is_empty() => return Ok(Some(request)),
            Some((name, value)) if name.eq_ignore_ascii_case("host") => {
                value.trim().clone_into(&mut request.host);
            }
            _ => {}
        }
    }
    Ok(None)
}

async fn answer(wire: &mut Wire, answer: &PolicyAnswer) -> io::Result<()> {
    match answer {
        PolicyAnswer::Page(page) => send(wire, page).await,
        PolicyAnswer::Slow { page, pause } => {
            wire.send(head(page).as_bytes()).await?;
            for octet in page.body.as_bytes() {
                sleep(*pause).await;
                wire.send(&[*octet]).await?;
            }
            Ok(())
        }
        PolicyAnswer::Endless => {
            wire.send(head(&Page::text("")).as_bytes()).await?;
            loop {
                wire.send(&[b'x'; 8192]).await?;
            }
        }
        PolicyAnswer::Silence | PolicyAnswer::Absent => wire.drain().await,
    }
}

async fn send(wire: &mut Wire, page: &Page) -> io::Result<()> {
    let length = ("Content-Length".to_owned(), page.body.len().to_string());
    let whole = Page { headers: page.headers.iter().cloned().chain([length]).collect(), ..page.clone() };
    wire.send((head(&whole) + &page.body).as_bytes()).await
}

/// The head of a page. Without a length among its fields, the body ends with the connection.
fn head(page: &Page) -> String {
    let headers: String = page.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {} \r\nConnection: close\r\n{headers}\r\n", page.status)
}
