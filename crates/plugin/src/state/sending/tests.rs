use api::{Check, Event, Outcome, ProtectionWord};
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::draft::Address;
use crate::state::protection::tests::stop;
use crate::state::protection::{Question, Word, word};

const CARLA: &str = "carla@plain.example";
const BOB: &str = "bob@tls.example";
const EVE: &str = "eve@dane-mismatch.example";
const FRANK: &str = "frank@slow.example";
const ADA: &str = "ada@verified.example";

fn check(email: &str) -> Check {
    let (protection, outcome, cause) = match email {
        CARLA => (ProtectionWord::None, Outcome::Stop, Some("no_starttls")),
        EVE => (ProtectionWord::None, Outcome::Stop, Some("dane_mismatch")),
        FRANK => (ProtectionWord::Unknown, Outcome::Unknown, None),
        ADA => (ProtectionWord::Authenticated, Outcome::Deliver, None),
        _ => (ProtectionWord::Encrypted, Outcome::Deliver, None),
    };
    let (cause, host) = (cause.map(str::to_owned), Some("mx.example".to_owned()));
    Check { cause, host, ..Check::new(email, protection, outcome, "") }
}

fn to(emails: &[&str]) -> Recipients {
    Recipients { to: emails.iter().map(|email| Address::bare(*email)).collect(), ..Recipients::default() }
}

fn draft(emails: &[&str]) -> Draft {
    Draft { recipients: to(emails), subject: "One".to_owned(), text: "Text".to_owned(), ..Draft::default() }
}

fn demanding(emails: &[&str]) -> Draft {
    Draft { demand_authenticated: true, ..draft(emails) }
}

/// What is known when the server has answered for these.
fn known(emails: &[&str]) -> Protections {
    let mut known = Protections::default();
    let emails: Vec<String> = emails.iter().map(|email| (*email).to_owned()).collect();
    if let Some(question) = known.ask(&emails, 0) {
        known.answer(&question, emails.iter().map(|email| check(email)).collect(), 0);
    }
    known
}

const ALL: [&str; 5] = [CARLA, BOB, EVE, FRANK, ADA];

use Way::{Encrypted, EndToEnd, Tell, WithGuarantee, Without};

#[rstest]
#[case::all_encrypted(draft(&[BOB, ADA]), Panel::On, None)]
#[case::nothing_known(draft(&["x@new.example"]), Panel::On, None)]
#[case::unknown_alone(draft(&[FRANK]), Panel::On, None)]
#[case::in_clear(draft(&[CARLA]), Panel::On, Some(vec![WithGuarantee, Tell, EndToEnd, Without]))]
#[case::mixed(draft(&[CARLA, BOB]), Panel::On, Some(vec![Encrypted, WithGuarantee, Tell, EndToEnd, Without]))]
#[case::bound_alone(draft(&[EVE]), Panel::On, Some(vec![WithGuarantee, Tell, EndToEnd]))]
#[case::bound_and_encrypted(draft(&[EVE, BOB]), Panel::On, Some(vec![Encrypted, WithGuarantee, Tell, EndToEnd]))]
#[case::end_to_end_already(Draft { end_to_end: true, ..draft(&[CARLA]) }, Panel::On, Some(vec![WithGuarantee, Tell, Without]))]
#[case::off(draft(&[CARLA, EVE]), Panel::Off, None)]
#[case::paused(draft(&[CARLA]), Panel::Paused(jiff::Timestamp::UNIX_EPOCH), None)]
#[case::switch_not_known(draft(&[CARLA]), Panel::Unknown, None)]
#[case::overridden(Draft { without_guarantee_for: vec!["Carla@plain.example".to_owned()], ..draft(&[CARLA, BOB]) }, Panel::On, None)]
#[case::another_overridden(Draft { without_guarantee_for: vec![BOB.to_owned()], ..draft(&[CARLA, BOB]) }, Panel::On,
    Some(vec![Encrypted, WithGuarantee, Tell, EndToEnd, Without]))]
#[case::demanded(demanding(&[BOB, ADA]), Panel::On, Some(vec![Encrypted, WithGuarantee, Tell, EndToEnd]))]
#[case::demanded_while_off(demanding(&[BOB]), Panel::Off, Some(vec![WithGuarantee, Tell, EndToEnd]))]
#[case::demanded_and_met(demanding(&[ADA]), Panel::On, None)]
fn what_is_offered(#[case] draft: Draft, #[case] panel: Panel, #[case] expected: Option<Vec<Way>>) {
    assert_eq!(question(&draft, panel, &known(&ALL), 0).map(|asked| asked.ways), expected);
}

fn asked(draft: &Draft) -> Asked {
    question(draft, Panel::On, &known(&ALL), 0).expect("a question")
}

#[test]
fn each_is_named_for_what_is_known() {
    let asked = asked(&draft(&ALL));
    assert_eq!(
        (asked.stopped.as_slice(), asked.bound.as_slice()),
        (&[CARLA.to_owned()][..], &[EVE.to_owned()][..])
    );
    assert_eq!(asked.unknown, [FRANK]);
    assert_eq!(asked.encrypted, [BOB, ADA]);
    assert_eq!((asked.all, asked.not_sent()), (5, vec![CARLA.to_owned(), EVE.to_owned()]));
    let demanded = super::question(&demanding(&ALL), Panel::On, &known(&ALL), 0).expect("a question");
    assert_eq!(
        (demanded.unproven.as_slice(), demanded.encrypted.as_slice()),
        (&[BOB.to_owned()][..], &[ADA.to_owned()][..])
    );
}

#[test]
fn to_the_encrypted_leaves_the_others_each_in_their_role() {
    let mut all = draft(&[CARLA, BOB]);
    all.recipients.cc = to(&[FRANK, ADA]).to;
    all.recipients.bcc = to(&[EVE]).to;
    let Taken::Send(sending) = take(all.clone(), &asked(&all), Encrypted) else { panic!("sent") };
    let expected = Recipients { to: to(&[BOB]).to, cc: to(&[ADA]).to, bcc: vec![] };
    assert_eq!(sending.draft, Draft { recipients: expected, ..all });
    assert_eq!(sending.left, Recipients { to: to(&[CARLA]).to, cc: to(&[FRANK]).to, bcc: to(&[EVE]).to });
}

#[test]
fn without_the_guarantee_is_for_those_alone_whom_it_reaches() {
    let all = draft(&ALL);
    let Taken::Send(sending) = take(all.clone(), &asked(&all), Without) else { panic!("sent") };
    assert_eq!(sending.draft, Draft { without_guarantee_for: vec![CARLA.to_owned()], ..all });
    assert!(sending.left.is_empty());
}

#[test]
fn the_other_ways() {
    let all = draft(&ALL);
    let asked = asked(&all);
    let as_it_is = Sending { draft: all.clone(), left: Recipients::default() };
    assert_eq!(take(all.clone(), &asked, WithGuarantee), Taken::Send(Box::new(as_it_is)));
    assert_eq!(take(all.clone(), &asked, Tell), Taken::Tell(vec![CARLA.to_owned(), EVE.to_owned()]));
    assert_eq!(take(all, &asked, EndToEnd), Taken::EndToEnd);
}

// A composer, played at random.

const DOMAINS: [&str; 4] = ["a.example", "b.example", "c.example", "d.example"];

#[derive(Clone, Debug)]
enum Step {
    /// Recipients, by address; `u8` are bits.
    Edit(u8),
    Text(String),
    Demand,
    Ask,
    /// The answer to one of the questions that are on their way.
    Answer(usize),
    /// The answer is that it takes longer; the event follows some time.
    Slow(usize),
    Fail(usize),
    /// A domain changes, and mail of this user's meets it.
    Meet(usize, bool),
    /// A domain changes, unseen.
    Change(usize, bool),
    Late(usize),
    Switch(u8),
    Wait(u32),
    Send,
    Choose(usize),
    Back,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => any::<u8>().prop_map(Step::Edit),
        1 => "[a-c]{1,3}".prop_map(Step::Text),
        1 => Just(Step::Demand),
        4 => Just(Step::Ask),
        4 => (0..3_usize).prop_map(Step::Answer),
        1 => (0..3_usize).prop_map(Step::Slow),
        1 => (0..3_usize).prop_map(Step::Fail),
        1 => (0..4_usize, any::<bool>()).prop_map(|(domain, safe)| Step::Meet(domain, safe)),
        1 => (0..4_usize, any::<bool>()).prop_map(|(domain, safe)| Step::Change(domain, safe)),
        1 => (0..4_usize).prop_map(Step::Late),
        1 => (0..3_u8).prop_map(Step::Switch),
        1 => (0..900_000_u32).prop_map(Step::Wait),
        3 => Just(Step::Send),
        3 => (0..5_usize).prop_map(Step::Choose),
        1 => Just(Step::Back),
    ]
}

/// A domain as it is, with a number that grows with every change.
#[derive(Clone, Copy, Debug)]
struct Domain {
    is_safe: bool,
    version: u32,
    /// The version that this user's mail has met last: nothing older may be shown.
    met: u32,
}

type Choice = Option<(Asked, Way)>;

struct Played {
    domains: [Domain; 4],
    known: Protections,
    /// Questions with the answers that they get, whatever has changed meanwhile.
    asked: Vec<(Question, Vec<Check>)>,
    late: Vec<Check>,
    draft: Draft,
    panel: Panel,
    now: i64,
    open: Option<(Draft, Asked, Open)>,
    /// The draft at the click, what was sent, and what was chosen if there was a question.
    sent: Vec<(Draft, Sending, Choice)>,
}

fn addresses() -> Vec<String> {
    DOMAINS.iter().flat_map(|domain| ["x", "y"].map(|name| format!("{name}@{domain}"))).collect()
}

fn number_of(email: &str) -> usize {
    DOMAINS.iter().position(|domain| email.ends_with(domain)).expect("a domain")
}

impl Played {
    fn new() -> Self {
        Self {
            domains: [Domain { is_safe: true, version: 0, met: 0 }; 4],
            known: Protections::default(),
            asked: Vec::new(),
            late: Vec::new(),
            draft: draft(&[]),
            panel: Panel::On,
            now: 0,
            open: None,
            sent: Vec::new(),
        }
    }

    /// What the server would say now; the version is the reason.
    fn check(&self, email: &str) -> Check {
        let domain = self.domains[number_of(email)];
        let (protection, outcome, cause) = match domain.is_safe {
            true => (ProtectionWord::Encrypted, Outcome::Deliver, None),
            false => (ProtectionWord::None, Outcome::Stop, Some("no_starttls".to_owned())),
        };
        let (host, observed_at) = (Some("mx".to_owned()), jiff::Timestamp::from_millisecond(self.now).ok());
        Check {
            cause,
            host,
            observed_at,
            ..Check::new(email, protection, outcome, domain.version.to_string())
        }
    }

    fn emails(&self) -> Vec<String> {
        self.draft.recipients.iter().map(|address| address.email.clone()).collect()
    }

    fn play(&mut self, step: Step) {
        self.now += 1;
        match step {
            Step::Edit(bits) => {
                let chosen = addresses().into_iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0);
                self.draft.recipients.to = chosen.map(|(_, email)| Address::bare(email)).collect();
            }
            Step::Text(text) => self.draft.set_text(text),
            Step::Demand => self.draft.demand_authenticated ^= true,
            Step::Ask => {
                if let Some(question) = self.known.ask(&self.emails(), self.now) {
                    let answers = question.recipients.iter().map(|email| self.check(email)).collect();
                    self.asked.push((question, answers));
                }
            }
            Step::Answer(at) if at < self.asked.len() => {
                let (question, answers) = self.asked.remove(at);
                self.known.answer(&question, answers, self.now);
            }
            Step::Fail(at) if at < self.asked.len() => {
                let (question, _) = self.asked.remove(at);
                self.known.fail(&question, self.now);
            }
            Step::Change(at, is_safe) => self.change(at, is_safe),
            Step::Meet(at, is_safe) => {
                self.change(at, is_safe);
                self.domains[at].met = self.domains[at].version;
                self.known.hear(&stop(&format!("z@{}", DOMAINS[at]), self.now), self.now);
            }
            Step::Slow(at) if at < self.asked.len() => {
                let (question, mut answers) = self.asked.remove(at);
                self.late.extend(answers.iter().cloned());
                for check in &mut answers {
                    *check =
                        Check::new(check.recipient.clone(), ProtectionWord::Unknown, Outcome::Unknown, "");
                }
                self.known.answer(&question, answers, self.now);
            }
            Step::Late(at) if at < self.late.len() => {
                let check = self.late.remove(at);
                self.known.hear(&Event::Check(check), self.now);
            }
            Step::Switch(which) => {
                self.panel =
                    [Panel::On, Panel::Off, Panel::Paused(jiff::Timestamp::UNIX_EPOCH)][usize::from(which)];
            }
            Step::Wait(milliseconds) => self.now += i64::from(milliseconds),
            Step::Send => self.send(),
            Step::Choose(at) => self.choose(at),
            Step::Back => self.open = None,
            Step::Answer(_) | Step::Slow(_) | Step::Fail(_) | Step::Late(_) => {}
        }
        // As the composer does it.
        if self.open.as_ref().is_some_and(|(.., open)| !open.holds(&self.draft, self.panel)) {
            self.open = None;
        }
    }

    fn change(&mut self, at: usize, is_safe: bool) {
        let domain = &mut self.domains[at];
        (domain.is_safe, domain.version) = (is_safe, domain.version + 1);
    }

    fn send(&mut self) {
        if self.open.is_some() {
            return;
        }
        let draft = self.draft.clone();
        match question(&draft, self.panel, &self.known, self.now) {
            None => {
                let sending = Sending { draft: draft.clone(), left: Recipients::default() };
                self.sent.push((draft, sending, None));
            }
            Some(asked) => {
                let demand = draft.demand_authenticated;
                let open = Open { recipients: draft.recipients.clone(), demand, panel: self.panel };
                self.open = Some((draft, asked, open));
            }
        }
    }

    fn choose(&mut self, at: usize) {
        let way = self.open.as_ref().and_then(|(_, asked, _)| asked.ways.get(at).copied());
        let Some((way, (draft, asked, _))) = way.and_then(|way| Some((way, self.open.take()?))) else {
            return;
        };
        if let Taken::Send(sending) = take(draft.clone(), &asked, way) {
            self.sent.push((draft, *sending, Some((asked, way))));
        }
    }

    /// Nothing is shown that is older than what this user's mail has met.
    fn nothing_is_shown_wrong(&self) {
        for email in addresses() {
            let Some(check) = self.known.of(&email, self.now) else { continue };
            let Ok(version) = check.reason.parse::<u32>() else { continue };
            let domain = self.domains[number_of(&email)];
            assert!(version >= domain.met, "{email}: {check:?} is older than what was met: {domain:?}");
            if version == domain.version {
                let shown = word(Some(check), Under::Guarantee);
                assert_eq!(shown == Word::None, !domain.is_safe, "{email}: {shown:?}");
            }
        }
    }
}

/// What was sent is what was there at the click, and nobody gets it in a way that was not said.
fn is_sent_as_shown(at_click: &Draft, sending: &Sending, chosen: Option<&(Asked, Way)>) {
    let sent = &sending.draft;
    let rest = |draft: &Draft| Draft {
        recipients: Recipients::default(),
        without_guarantee_for: vec![],
        ..draft.clone()
    };
    assert_eq!(rest(sent), rest(at_click));
    assert_eq!(sent.recipients.len() + sending.left.len(), at_click.recipients.len());
    for address in at_click.recipients.iter() {
        assert_ne!(sent.recipients.contains(&address.email), sending.left.contains(&address.email));
    }
    for email in &sent.without_guarantee_for {
        let (asked, way) = chosen.expect("no override without a choice");
        assert_eq!(*way, Without);
        assert!(asked.stopped.contains(email) && sent.recipients.contains(email), "{email} was not named");
        assert!(!sent.demand_authenticated);
    }
    match chosen {
        Some((asked, Encrypted)) => {
            assert!(sent.recipients.iter().all(|address| asked.encrypted.contains(&address.email)));
        }
        _ => assert!(sending.left.is_empty()),
    }
}

proptest! {
    #[test]
    fn whatever_is_done_in_whatever_order(steps in prop::collection::vec(step(), 0..80)) {
        let mut played = Played::new();
        for step in steps {
            played.play(step);
            played.nothing_is_shown_wrong();
        }
        for (at_click, sending, chosen) in &played.sent {
            is_sent_as_shown(at_click, sending, chosen.as_ref());
        }
    }
}
