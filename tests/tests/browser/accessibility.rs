//! What those meet who do not see the page, or see it otherwise.

use std::cell::RefCell;

use black_box::{Node, Screen, Shade};
use rstest::rstest;
use serde_json::Value;

use crate::hosts::{Host, Language, Look};
use crate::tour::Tour;
use crate::webmail::Webmail;

/// Our elements in Roundcube's pages; its own findings are its own.
const OURS_IN_ROUNDCUBE: &str = ".tls-guarantee, [id^=tls-guarantee]";

/// What a screen reader must be told of in a view, in English: role, how the name begins, and how something begins that is
/// said of it besides. What changes by itself says so: `live`.
const MUST: &[(&str, &str, &str, &str)] = &[
    ("setting-off", "button", "Activate the TLS sending guarantee now", ""),
    ("setting-on", "region", "On", ""),
    ("setting-on", "heading", "On", "level=2"),
    ("setting-on", "status", "", "live=polite"),
    ("setting-on", "button", "Deactivate the TLS sending guarantee now", ""),
    ("setting-on", "group", "Pause", ""),
    ("setting-on", "button", "15 minutes", ""),
    ("setting-on", "group", "What the guarantee demands", ""),
    ("setting-on", "radio", "Encrypted", "checked=true"),
    ("setting-on", "radio", "Verified servers only", "describedby="),
    ("setting-on", "checkbox", "Mail that is already end-to-end encrypted", "describedby="),
    ("setting-on", "region", "Exceptions", ""),
    ("setting-on", "textbox", "Address or domain", ""),
    ("setting-on", "button", "Revoke partner.example", ""),
    ("setting-on", "region", "Check a forwarding", ""),
    ("setting-on", "textbox", "Target address of the forwarding", ""),
    ("setting-on", "table", "Latest stops", ""),
    ("setting-on", "columnheader", "Cause", ""),
    ("setting-on", "region", "Sent without the guarantee", ""),
    ("setting-on", "region", "What your mail has met", ""),
    ("setting-on", "region", "Encrypted share", ""),
    ("setting-paused", "heading", "Paused until ", ""),
    ("inbox-paused", "status", "", "live=polite"),
    ("inbox-paused", "button", "End the pause", ""),
    ("stopped", "region", "Sending stopped", ""),
    ("stopped", "button", "Tell the recipient", "describedby="),
    ("stopped", "button", "Send end-to-end encrypted", "describedby="),
    ("stopped", "button", "Send without the TLS guarantee", "describedby="),
    ("forged", "region", "Not a genuine notice", ""),
    ("other-bounce", "region", "Not delivered", ""),
    ("delayed", "region", "Not delivered yet", ""),
    ("tell", "dialog", "Tell the recipient", ""),
    ("tell", "textbox", "", "multiline=true"),
    ("composer", "status", "", "live=polite"),
    ("composer", "button", "Show reasons", "expanded=false"),
    ("composer", "checkbox", "Only to verified servers", "describedby="),
    ("reasons", "button", "", "expanded=true"),
    ("question", "dialog", "Not every way is encrypted.", "describedby="),
    ("question", "button", "Back", "focused=true"),
    ("question", "button", "Send to the encrypted ones", "describedby="),
    ("question", "button", "Send with the TLS guarantee", "describedby="),
    ("question", "button", "Tell the recipient", "describedby="),
    ("question", "button", "Send without the TLS guarantee", "describedby="),
    ("reminder", "alert", "", "live=assertive"),
    ("reminder", "button", "Activate the TLS sending guarantee now", ""),
    ("reminder", "button", "Later", ""),
];

/// All that moves for longer than a frame within these elements, or would.
const MOTION: &str = "
    const long = (style, what) => {
        const times = style[`${what}Duration`].split(',').map(time => parseFloat(time) * (time.trim().endsWith('ms') ? 1 : 1000));
        return Math.max(...times) > 17 && (what == 'transition' || style.animationName != 'none');
    };
    const elements = [...document.querySelectorAll(OURS)].flatMap(one => [one, ...one.querySelectorAll('*')]);
    const moves = (one) => ['', '::before', '::after'].some(part => {
        const style = getComputedStyle(one, part || null);
        return long(style, 'transition') || long(style, 'animation') || style.scrollBehavior == 'smooth';
    });
    return [...new Set(elements)].filter(moves).map(one => one.outerHTML.slice(0, 120));";

/// Somebody who looks at each view, and notes what is wrong.
struct Judge<'j> {
    page: &'j Webmail,
    ours: Option<&'static str>,
    is_english: bool,
    found: RefCell<Vec<String>>,
}

impl Judge<'_> {
    fn look(&self, view: &str) {
        let note = |flaw: String| self.found.borrow_mut().push(format!("{view}: {flaw}"));
        self.page.flaws(self.ours).unwrap_or_default().into_iter().for_each(note);
        let ours = format!("'{}'", self.ours.unwrap_or("html"));
        let moving = self.page.script(&MOTION.replace("OURS", &ours));
        let moving = moving.as_array().into_iter().flatten().filter_map(Value::as_str);
        moving.for_each(|element| note(format!("moves: {element}")));
        let must = MUST.iter().filter(|must| self.is_english && must.0 == view);
        let tree = self.page.tree();
        let is_missing = |must: &&&(_, &str, &str, &str)| !tree.iter().any(|node| is_it(node, must));
        must.collect::<Vec<_>>()
            .iter()
            .filter(is_missing)
            .for_each(|must| note(format!("not told of: {must:?}")));
    }
}

fn is_it(node: &Node, &(_, role, name, said): &(&str, &str, &str, &str)) -> bool {
    node.role == role
        && node.name.starts_with(name)
        && (said.is_empty() || node.properties.iter().any(|property| property.starts_with(said)))
}

/// axe-core finds nothing, screen readers are told of all that must be there, and nothing moves for who wants it still.
#[rstest]
#[case::german_desktop_light("access-de-desktop-light", Language::German, Screen::Desktop, Shade::Light)]
#[case::english_phone_dark("access-en-phone-dark", Language::English, Screen::SmallPhone, Shade::Dark)]
fn every_view_is_for_everybody(
    #[case] name: &str,
    #[case] language: Language,
    #[case] screen: Screen,
    #[case] shade: Shade,
    #[values(Host::Reference, Host::Roundcube)] host: Host,
) {
    let Some(place) = host.start() else { return };
    let Some(page) = Webmail::at(host, name, &place, Look { language, screen, shade }) else { return };
    page.prefer(&[("prefers-reduced-motion", "reduce")]);
    let ours = (host == Host::Roundcube).then_some(OURS_IN_ROUNDCUBE);
    let judge =
        Judge { page: &page, ours, is_english: language == Language::English, found: RefCell::default() };
    Tour { host, page: &page, place: &place, look: &|view| judge.look(view) }.take();
    let found = judge.found.into_inner();
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}

#[test]
fn what_moves_is_seen_to_move() {
    let Some(place) = Host::Reference.start() else { return };
    let Some(page) = Webmail::at(Host::Reference, "motion", &place, Look::PLAIN) else { return };
    page.expect_log_in();
    let moving = || page.script(&MOTION.replace("OURS", "'html'")).as_array().map_or(0, Vec::len);
    assert!(moving() > 0, "its buttons do");
    page.prefer(&[("prefers-reduced-motion", "reduce")]);
    assert_eq!(moving(), 0);
}

#[test]
fn axe_finds_a_flaw_that_is_there() {
    let Some(place) = Host::Reference.start() else { return };
    let Some(page) = Webmail::at(Host::Reference, "axe-at-work", &place, Look::PLAIN) else { return };
    page.expect_log_in();
    page.script("document.querySelector('label').remove()");
    let Some(flaws) = page.flaws(None) else { return };
    assert!(flaws.iter().any(|flaw| flaw.starts_with("label: ")), "{flaws:?}");
    page.script("document.querySelector('main').classList.add('ours')");
    let ours = page.flaws(Some(".ours")).unwrap_or_default();
    assert!(ours.iter().any(|flaw| flaw.starts_with("label: ")), "{ours:?}");
    assert_eq!(page.flaws(Some(".nobodys")), Some(Vec::new()), "what is another's");
}
