//! What those meet who do not see the page, or see it otherwise.

use black_box::{Screen, Shade};
use rstest::rstest;

use crate::hosts::{Host, Language, Look};
use crate::tour::Tour;
use crate::webmail::Webmail;

/// Our elements in Roundcube's pages; its own findings are its own.
const OURS_IN_ROUNDCUBE: &str = ".tls-guarantee, [id^=tls-guarantee]";

#[rstest]
#[case::german_desktop_light("axe-de-desktop-light", Language::German, Screen::Desktop, Shade::Light)]
#[case::english_phone_dark("axe-en-phone-dark", Language::English, Screen::SmallPhone, Shade::Dark)]
fn axe_finds_nothing_in_any_view(
    #[case] name: &str,
    #[case] language: Language,
    #[case] screen: Screen,
    #[case] shade: Shade,
    #[values(Host::Reference, Host::Roundcube)] host: Host,
) {
    let Some(place) = host.start() else { return };
    let Some(page) = Webmail::at(host, name, &place, Look { language, screen, shade }) else { return };
    let ours = (host == Host::Roundcube).then_some(OURS_IN_ROUNDCUBE);
    let found = std::cell::RefCell::new(Vec::new());
    let look = |view: &str| {
        let flaws = page.flaws(ours).unwrap_or_default();
        found.borrow_mut().extend(flaws.into_iter().map(|flaw| format!("{view}: {flaw}")));
    };
    Tour { host, page: &page, place: &place, look: &look }.take();
    let found = found.into_inner();
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
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
