//! Mail that means harm: nothing of it runs, nothing is loaded from elsewhere, nothing of the page is covered, and the
//! page stays quick.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use black_box::{Demo, Name, Role};

use crate::hosts::{Host, Look};
use crate::mails::{bounce, bring};
use crate::webmail::Webmail;

/// A server elsewhere that counts who comes.
struct Elsewhere {
    address: SocketAddr,
    came: Arc<AtomicU32>,
}

impl Elsewhere {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let came = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&came);
        thread::spawn(move || {
            while listener.accept().is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, came }
    }

    fn came(&self) -> u32 {
        self.came.load(Ordering::SeqCst)
    }
}

/// Marks the page if it runs: in whatever window it finds.
const RUN: &str = "top.ran=1;parent.ran=1;window.ran=1;document.title='ran'";

/// An HTML mail with all that is known to run or to load something; `{url}` is elsewhere.
const HOSTILE: &str = r#"<html><head><base href="{url}/base/"><title>ran</title>
<meta http-equiv="refresh" content="0;url={url}/refresh">
<link rel="stylesheet" href="{url}/style.css"><link rel="preload" as="image" href="{url}/preload.png">
<link rel="dns-prefetch" href="{url}"><link rel="preconnect" href="{url}"><link rel="prefetch" href="{url}/prefetch">
<style>@import url("{url}/import.css"); @font-face { font-family: f; src: url("{url}/font.woff") }
 body { background: url("{url}/background.png"); font-family: f } p::before { content: url("{url}/content.png") }
 * { position: fixed !important; inset: 0 !important; z-index: 99999 !important }</style>
<script>{run}</script><script src="{url}/script.js"></script></head>
<body onload="{run}" background="{url}/body.png" style="background:url({url}/style-attribute.png)">
<p>The text is shown.</p>
<img src="{url}/picture.png" srcset="{url}/2x.png 2x" onerror="{run}" onload="{run}"><img src=x onerror={run}>
<picture><source srcset="{url}/source.png"><img src="{url}/in-picture.png"></picture>
<svg onload="{run}"><script>{run}</script><image href="{url}/svg.png"/><use href="{url}/use.svg#a"/>
 <animate onbegin="{run}" attributeName="x"/><foreignObject><iframe src="{url}/foreign"></iframe></foreignObject></svg>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror={run}&gt;"></mglyph></table></mtext></math>
<iframe src="{url}/frame"></iframe><iframe srcdoc="<script>{run}</script>"></iframe><iframe src="javascript:{run}"></iframe>
<object data="{url}/object"></object><embed src="{url}/embed"><video poster="{url}/poster.png" src="{url}/video"></video>
<audio src="{url}/audio" autoplay></audio><input type="image" src="{url}/input.png" autofocus onfocus="{run}">
<details open ontoggle="{run}"><summary>details</summary></details><marquee onstart="{run}">marquee</marquee>
<form action="{url}/form" method="post"><input name="password" type="password"><button>Log in again</button></form>
<a href="javascript:{run}">A script link</a> <a href="data:text/html,<script>{run}</script>">A data link</a>
<a href=" JaVa&#9;Script:{run}">A hidden script link</a> <a href="{url}/link" ping="{url}/ping">A real link</a>
<template><img src="{url}/template.png"></template><noscript><img src="{url}/noscript.png"></noscript>
<section role="region" aria-labelledby="t" class="banner warn" style="position:fixed;top:0;left:0;width:100%;height:100%">
<h2 id="t">Sending stopped</h2><ul class="ways"><li><button>Send without the TLS guarantee</button></li></ul></section>
<p>This is the end.</p></body></html>"#;

fn filled(text: &str, elsewhere: &Elsewhere) -> String {
    text.replace("{url}", &format!("http://{}", elsewhere.address)).replace("{run}", RUN)
}

fn mail(from: &str, subject: &str, content: &str, body: &str) -> String {
    format!(
        "From: {from} <mallory@evil.example>\r\nTo: alice@home.example\r\nSubject: {subject}\r\n\
         Message-ID: <{}@evil.example>\r\nDate: Tue, 24 Nov 2026 09:00:00 +0100\r\nMIME-Version: 1.0\r\n\
         Content-Type: {content}\r\n\r\n{}\r\n",
        body.len(),
        body.replace("\r\n", "\n").replace('\n', "\r\n")
    )
}

fn assert_unharmed(page: &Webmail, elsewhere: &Elsewhere) {
    assert!(page.script("return window.ran ?? null").is_null(), "something ran");
    assert_ne!(page.title(), "ran");
    assert_eq!(elsewhere.came(), 0, "something was loaded from elsewhere");
    let own = page.script("return location.origin").as_str().unwrap_or_default().to_owned();
    let is_foreign = |url: &String| {
        let is_own = url.starts_with(&format!("{own}/"));
        // Chromium lists its own first page, too.
        !is_own
            && !["data:", "blob:", "about:", "chrome:", "chrome-untrusted:"]
                .iter()
                .any(|scheme| url.starts_with(scheme))
    };
    let foreign: Vec<String> = page.asked_for().into_iter().filter(is_foreign).collect();
    assert_eq!(foreign, Vec::<String>::new(), "addresses elsewhere were asked for");
    assert_eq!(page.complaints(), Vec::<String>::new(), "the policy had to step in");
}

#[test]
fn hostile_html_does_nothing() {
    let demo = Demo::start();
    let elsewhere = Elsewhere::start();
    let Some(page) = Webmail::of_alice("hostile", &demo) else { return };
    bring(&demo, &mail("Mallory", "Hello", "text/html; charset=utf-8", &filled(HOSTILE, &elsewhere)));
    page.read(page.words.inbox, "Hello");
    let frame = page.one(Role::Frame, Name::Any);
    page.until("the mail's text", || {
        let shown = frame.script("return document.readyState == 'complete' ? document.body.innerText : ''");
        let shown = shown.as_str().unwrap_or_default();
        (shown.contains("The text is shown.") && shown.contains("This is the end.")).then_some(())
    });
    page.shot("html");
    assert!(frame.attribute("sandbox").is_some_and(|sandbox| !sandbox.contains("allow-scripts")
        && !sandbox.contains("allow-same-origin")
        && !sandbox.contains("allow-forms")
        && !sandbox.contains("allow-top-navigation")));
    let links = frame.script("return [...document.links].map(link => link.href).join(' ')");
    assert_eq!(links, format!("http://{}/link", elsewhere.address), "only a real link is one");
    let live = "return document.querySelectorAll(\
         'script, iframe, object, embed, form, input, meta[http-equiv=refresh], [onload], [onerror], [ping]').length";
    assert_eq!(frame.script(live), 0, "what could do something is gone");
    // A banner in the mail is not the page's, and the page's buttons can be pressed.
    assert!(!page.has(Role::Region, page.words.stopped), "the mail's banner is no region of the page");
    page.click(Role::Button, "More");
    page.click(Role::MenuItem, "Show as text or as HTML");
    page.expect_text("The text is shown.");
    assert_unharmed(&page, &elsewhere);
}

#[test]
fn hostile_header_fields_and_file_names_are_text() {
    let demo = Demo::start();
    let elsewhere = Elsewhere::start();
    let Some(page) = Webmail::of_alice("hostile-fields", &demo) else { return };
    let subject = format!("<img src=x onerror=\"{RUN}\"><script>{RUN}</script> \u{202e}drawkcab");
    let from = format!("\"<svg/onload={RUN}> \u{202e}ecila\"");
    let file = "\"\\\"><script>alert(1)<-script>\u{202e}fdp.exe\"";
    let body = format!(
        "--b\nContent-Type: text/plain; charset=utf-8\n\nHello <script>{RUN}</script> & <b>you</b>\n--b\n\
         Content-Type: application/octet-stream; name={file}\nContent-Disposition: attachment; filename={file}\n\nx\n--b--"
    );
    let mail = mail(&from, &subject, "multipart/mixed; boundary=b", &body);
    // As if by a program that is careless with RFC 6532.
    let alice = demo.alice();
    bring(&demo, &mail);
    page.until("the mail", || (!alice.list("INBOX").is_empty()).then_some(()));
    page.go(page.words.inbox);
    page.click(Role::Link, Name::Has("<svg/onload="));
    page.expect_text("Hello <script>");
    let text = page.text();
    for literal in ["<img src=x onerror=", "<svg/onload=", "<b>you</b>"] {
        assert!(text.contains(literal), "{literal} as text: {text}");
    }
    let download = page.one(Role::Button, Name::Has("fdp.exe")).name();
    assert!(download.contains("<script>"), "{download}");
    // What turns the direction of writing would show .exe as .pdf, and another sender's address.
    for shown in [&text, &download, &page.title()] {
        assert!(!shown.contains('\u{202e}'), "{shown}");
    }
    page.shot("fields");
    assert_unharmed(&page, &elsewhere);
}

/// A mail that dresses as the plugin, and a report that would put markup into the banner: in Roundcube, mail and page are
/// one document.
#[test]
fn mail_does_not_pass_for_the_plugin_in_roundcube() {
    let Some(place) = Host::Roundcube.start() else { return };
    let elsewhere = Elsewhere::start();
    let Some(page) = Webmail::at_alices(Host::Roundcube, "hostile", &place, Look::PLAIN) else { return };
    let words = page.words;
    let disguise = format!(
        "{HOSTILE}<div id=\"tls-guarantee-banner\" class=\"tls-guarantee\"><section role=\"region\" aria-label=\"{stopped}\">\
         <h2>{stopped}</h2><button onclick=\"{RUN}\">{without}</button><a role=\"button\" href=\"{{url}}/x\">{without}</a></section></div>",
        stopped = words.stopped,
        without = words.without,
    );
    bring(&place, &mail("Mallory", "Hello", "text/html; charset=utf-8", &filled(&disguise, &elsewhere)));
    let markup = format!("<img src=x onerror={RUN}>");
    let report = bounce(&place, "Reporter", "mx.elsewhere.example", "5.1.1", &format!("550 5.1.1 {markup}"))
        .replace("carla@plain.example", &format!("\"{markup}\"@plain.example"));
    bring(&place, &report);
    Host::wait_for_inbox(&place.alice(), 2);

    page.read(words.inbox, "Hello");
    page.expect_text("The text is shown.");
    page.shot("html");
    assert!(!page.has(Role::Region, words.stopped), "the mail's banner is none");
    let passes = "return document.querySelectorAll('#messagebody #tls-guarantee-banner, #messagebody .tls-guarantee').length";
    assert_eq!(page.script(passes), 0, "nothing of the mail looks like the plugin's");

    page.go(words.inbox);
    page.open_row("Reporter");
    let banner = page.banner(words.not_delivered);
    assert!(banner.text().contains(words.not_us), "{}", banner.text());
    assert_eq!(page.script("return document.querySelectorAll('#tls-guarantee-banner img').length"), 0);
    page.shot("report");
    page.leave_frames();
    assert_unharmed(&page, &elsewhere);
}

/// What is harmless is shown as it was meant: else people would learn to look for another way to see it.
#[test]
fn harmless_html_keeps_its_looks() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("harmless", &demo) else { return };
    let html = "<style>.red { color: rgb(200, 0, 0) }</style><p class=\"red\">Red</p>\n\
        <p style=\"color: rgb(0, 0, 200); text-align: center\" id=\"blue\">Blue</p>\n\
        <img alt=\"A dot\" src=\"data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7\">";
    bring(&demo, &mail("Dora", "A newsletter", "text/html; charset=utf-8", html));
    page.read(page.words.inbox, "A newsletter");
    let frame = page.one(Role::Frame, Name::Any);
    page.until("the mail's text", || {
        let shown = frame.script("return document.readyState == 'complete' ? document.body.innerText : ''");
        shown.as_str().is_some_and(|shown| shown.contains("Red")).then_some(())
    });
    let looks = "const of = e => getComputedStyle(e); const [red, blue] = document.querySelectorAll('p'); \
        return [of(red).color, of(blue).color, of(blue).textAlign, of(red).fontSize, document.images[0].naturalWidth]";
    page.shot("html");
    assert_eq!(
        frame.script(looks),
        serde_json::json!(["rgb(200, 0, 0)", "rgb(0, 0, 200)", "center", "15px", 1])
    );
}

/// How long anything may take to be shown.
const QUICK: Duration = Duration::from_secs(30);

#[test]
fn monstrous_mails_do_not_freeze_the_page() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("monsters", &demo) else { return };
    let boundary = |number: usize| format!("Content-Type: multipart/mixed; boundary=\"x{number}\"\n\n");
    let missing: String = (0..38_000).map(|number| format!("--b\n{}", boundary(number))).collect();
    let nested: String = (0..1_000).map(|number| format!("--x{number}\n{}", boundary(number + 1))).collect();
    let closed: String = (0..1_000).rev().map(|number| format!("--x{number}--\n")).collect();
    let forwarded: String = (0..1_000).map(|_| "Content-Type: message/rfc822\n\n").collect();
    let monsters = [
        ("No boundary", "multipart/mixed; boundary=never", "text\n".repeat(400_000)),
        ("Missing boundaries", "multipart/mixed; boundary=b", missing),
        ("Deeply nested", "multipart/mixed; boundary=x0", format!("{nested}text\n{closed}")),
        ("Never closed", "multipart/mixed; boundary=x0", nested),
        ("Forwarded and forwarded", "message/rfc822", forwarded),
        ("Long lines", "text/plain", format!("{}\n", "http://a.example/(".repeat(50)).repeat(2_000)),
    ];
    show_quickly(&page, &demo, &monsters);
}

/// Chromium's own parser takes a minute for some of these.
#[test]
fn html_that_never_closes_does_not_freeze_the_page() {
    let demo = Demo::start();
    let Some(page) = Webmail::of_alice("never-closing", &demo) else { return };
    let fonts: String = (0..50_000).map(|number| format!("<font color=#{number:06}><p>\n")).collect();
    let monsters = [
        ("Deep HTML", "text/html", "<div><b><i>\n".repeat(50_000)),
        ("Crossed HTML", "text/html", format!("<b>{}", "<div></b>\n".repeat(100_000))),
        ("Entries in entries", "text/html", "<dd><li>\n".repeat(100_000)),
        ("Many fonts", "text/html", fonts),
        ("Tables in tables", "text/html", "<table><tr><td>\n".repeat(50_000)),
    ];
    show_quickly(&page, &demo, &monsters);
}

/// Brings mails, subject, media type and body each, and opens them.
fn show_quickly(page: &Webmail, demo: &Demo, mails: &[(&str, &str, String)]) {
    for (subject, content, body) in mails {
        bring(demo, &mail("Mallory", subject, content, body));
    }
    for (subject, _, _) in mails {
        page.go(page.words.inbox);
        page.row(subject);
        let start = Instant::now();
        page.click(Role::Link, Name::Has(subject));
        page.one(Role::Heading, *subject);
        page.one(Role::Button, page.words.more);
        assert!(start.elapsed() < QUICK, "{subject}: {:?}", start.elapsed());
    }
    // It still works.
    page.write("bob@home.example", "After all", "Hello");
    page.send();
    page.expect_sent();
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}
