//! The page in the pseudo-language (docs/languages.md): whatever is said stands in the catalogue, and there is room for it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::{fs, io, thread};

use black_box::{Browser, Demo, Mail, PASSWORD, Screen, Setting, Shade};

/// Where `cargo xtask` puts the module in the pseudo-language.
fn site() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/www-xx")
}

/// Serves the demo with that module in the place of its own. Ends with the test's process.
fn serve(demo: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || drop(answer(client, demo)));
        }
    });
    address
}

fn answer(mut client: TcpStream, demo: SocketAddr) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    let kind = if path.ends_with(".wasm") { "application/wasm" } else { "text/javascript" };
    if let Ok(content) = fs::read(site().join(&path))
        && !path.is_empty()
    {
        let length = content.len();
        write!(
            client,
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        )?;
        return client.write_all(&content);
    }
    let mut server = TcpStream::connect(demo)?;
    let mut lines = head.lines();
    let request = lines.next().unwrap_or_default();
    let kept = lines.filter(|line| !line.is_empty() && !line.to_ascii_lowercase().starts_with("connection:"));
    let kept = kept.map(|line| format!("{line}\r\n")).collect::<String>();
    // One request a connection: the body is what comes after the head, and the answer ends with it.
    write!(server, "{request}\r\n{kept}Connection: close\r\n\r\n")?;
    let mut to = server.try_clone()?;
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(read @ 1..) = reader.read(&mut buffer) {
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
    });
    io::copy(&mut server, &mut client)?;
    client.shutdown(std::net::Shutdown::Both)
}

/// All that is said on the page: its text but for what others wrote, and the names that are only heard.
const SAID: &str = "const others = [...document.querySelectorAll('.mail, .evidence dd.addr')]; \
    others.forEach(one => one.style.visibility = 'hidden'); \
    const named = ['aria-label', 'title', 'placeholder', 'alt'].flatMap(name => \
        [...document.querySelectorAll(`[${name}]`)].filter(one => one.checkVisibility()).map(one => one.getAttribute(name))); \
    const said = [document.title, document.body.innerText, ...named].join('\\n'); \
    others.forEach(one => one.style.visibility = ''); \
    return said";

/// What is too wide for the screen, or for the part of the page that it is in.
const STICKS_OUT: &str = "const scrolls = one => one && (['auto', 'scroll'].includes(getComputedStyle(one).overflowX) || scrolls(one.parentElement)); \
    const out = [...document.body.querySelectorAll('*')].filter(one => one.checkVisibility() && !one.closest('.vh, .skip, svg') && !scrolls(one) \
        && (one.getBoundingClientRect().right > innerWidth + 1 || one.getBoundingClientRect().left < -1)); \
    if (document.documentElement.scrollWidth > innerWidth) out.push(document.documentElement); \
    return out.map(one => `${one.tagName}.${one.className}: ${one.textContent.slice(0, 60)}`)";

/// The words that stand in no brackets and are no data of the test's.
fn untranslated(said: &str) -> BTreeSet<String> {
    let mut outside = String::new();
    let mut depth = 0_u32;
    for character in said.chars() {
        match character {
            '⟦' => depth += 1,
            '⟧' => depth = depth.saturating_sub(1),
            _ if depth == 0 => outside.push(character),
            _ => {}
        }
    }
    let words = outside.split(|character: char| character.is_whitespace() || "·,()".contains(character));
    let is_word = |word: &&str| word.chars().filter(|character| character.is_alphabetic()).count() > 1;
    words.filter(is_word).filter(|word| !is_data(word)).map(str::to_owned).collect()
}

/// Addresses, hosts, what the test wrote, dates and what proves a delivery.
fn is_data(word: &str) -> bool {
    const WRITTEN: [&str; 12] = [
        "home.example",
        "Ünïcödë",
        "Mail",
        "Delivery",
        "System",
        "Undelivered",
        "Returned",
        "to",
        "Sender",
        "kB",
        "MB",
        "and",
    ];
    const DATES: [&str; 19] = [
        "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
        "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    word.contains(".example")
        || WRITTEN.contains(&word)
        || DATES.iter().any(|date| word.starts_with(date))
        || word.contains("TLS")
        || word.contains("MLKEM")
        || (word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[test]
fn every_view_is_translated_and_has_room() {
    if !site().join("tls_guarantee.js").is_file() {
        println!("not run: the page in the pseudo-language is not built");
        return;
    }
    let demo = Demo::start();
    let web = format!("http://{}/", serve(demo.http()));
    let setting = Setting { language: "xx", screen: Screen::SmallPhone, shade: Shade::Light };
    let Some(page) = Browser::start("languages", &web, setting) else { return };
    let alice = demo.alice();
    alice.switch("on");
    let mut mail =
        Mail::new(&alice.address, &["carla@plain.example", "dora@plain.example", "bob@tls.example"]);
    "Ünïcödë".clone_into(&mut mail.subject);
    alice.post(&mail);
    alice.wait_for_bounce(&mail.message_id);

    let expect = |view: &str, css: &str| {
        page.first(css);
        page.shot(view);
        let said = page.script(SAID);
        let said = said.as_str().unwrap_or_default();
        assert!(said.contains('⟦'), "the page {view} is in the pseudo-language: {said}");
        assert_eq!(untranslated(said), BTreeSet::new(), "untranslated in the view {view}: {said}");
        let out = page.script(STICKS_OUT);
        assert!(out.as_array().is_some_and(Vec::is_empty), "too wide in the view {view}: {out:#}");
    };
    let go = |to: &str| {
        page.script(&format!("location.hash = '#/{to}'"));
    };
    expect("log-in", "[type=password]");
    for (field, text) in [("[autocomplete=username]", alice.address.as_str()), ("[type=password]", PASSWORD)]
    {
        page.press_first(field);
        page.fill_focused(text);
    }
    page.press_first("form button[type=submit]");
    expect("inbox", "[data-message]");
    page.press_first("[data-message]");
    expect("banner", ".banner .ways");
    go("sent");
    expect("sent", ".mark");
    page.press_first("[data-message]");
    page.first(".sheet details > summary");
    page.script("document.querySelectorAll('details').forEach(one => one.open = true)");
    page.until("what became of it", || (page.nameless(".evidence li").len() == 3).then_some(()));
    page.script("document.querySelectorAll('details').forEach(one => one.open = true)");
    expect("delivery", ".evidence dl");
    go("settings");
    expect("settings", ".tree");
    go("settings/account/transport");
    page.first("table");
    page.script("document.querySelectorAll('details').forEach(one => one.open = true)");
    expect("transport", ".panel");
    page.press_first("nav form button");
    page.press_first("#to");
    page.fill_focused("carla@plain.example, bob@tls.example");
    page.press_first("#subject");
    page.fill_focused("Ünïcödë");
    expect("composer", ".chip.none");
    page.press_first("button.primary[type=submit]");
    expect("question", "dialog[open] .ways");
}

#[test]
fn untranslated_words_are_found() {
    assert_eq!(untranslated("⟦Sëënt ⟦nøøt⟧ tøø {x}⟧ carla@plain.example · 14:05 Nov"), BTreeSet::new());
    assert_eq!(untranslated("⟦Sëënt⟧ Not sent").into_iter().collect::<Vec<_>>(), ["Not", "sent"]);
}
