//! What the composer says of a reopened message.

use super::panel::Panel;
use crate::draft::{Draft, Recipients};

/// The notice above a draft's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// With the guarantee on it will be stopped again for these: the override is offered.
    Again(Vec<String>),
    /// The user wants to encrypt the content; for these the transport will be stopped again.
    EndToEnd(Vec<String>),
    /// It leaves without the guarantee for these.
    Without(Vec<String>),
}

/// The notice for a draft, if there is anything to say.
pub fn of(draft: &Draft, panel: Panel) -> Option<Notice> {
    let overridden = draft.overridden();
    if !overridden.is_empty() {
        return Some(Notice::Without(overridden));
    }
    let again = if panel == Panel::On { stopped(draft) } else { Vec::new() };
    match (draft.end_to_end, again.is_empty()) {
        (true, _) => Some(Notice::EndToEnd(again)),
        (false, false) => Some(Notice::Again(again)),
        (false, true) => None,
    }
}

/// Those of the recipients that the original was not sent to, and whom sending without the guarantee reaches.
pub fn stopped(draft: &Draft) -> Vec<String> {
    let Some(choice) = &draft.choice else { return Vec::new() };
    let still_there = choice.stopped.iter().filter(|address| draft.recipients.contains(&address.email));
    let liftable = still_there.filter(|address| !draft.bound.iter().any(|bound| address.is(bound)));
    liftable.map(|address| address.email.clone()).collect()
}

/// Those of the recipients whom it does not reach.
pub fn bound(draft: &Draft) -> Vec<String> {
    draft.bound.iter().filter(|bound| draft.recipients.contains(bound)).cloned().collect()
}

/// Whether there are two choices: the stopped are not all.
pub fn has_choice(draft: &Draft) -> bool {
    draft.choice.as_ref().is_some_and(|choice| choice.stopped != choice.all)
}

/// The recipients of a choice.
pub fn recipients(draft: &Draft, which: Chosen) -> Recipients {
    let Some(choice) = &draft.choice else { return draft.recipients.clone() };
    match which {
        Chosen::Stopped => choice.stopped.clone(),
        Chosen::All => choice.all.clone(),
    }
}

/// Which of the two choices the draft's recipients are; `None` if the user has changed them by hand.
pub fn chosen(draft: &Draft) -> Option<Chosen> {
    let choice = draft.choice.as_ref()?;
    match &draft.recipients {
        recipients if *recipients == choice.stopped => Some(Chosen::Stopped),
        recipients if *recipients == choice.all => Some(Chosen::All),
        _ => None,
    }
}

/// Whom a reopened message goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Those it was not sent to.
    Stopped,
    /// Everybody.
    All,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::draft::{Address, Choice};

    const CARLA: &str = "carla@plain.example";

    fn to(emails: &[&str]) -> Recipients {
        Recipients { to: emails.iter().map(|email| Address::bare(*email)).collect(), ..Recipients::default() }
    }

    fn reopened() -> Draft {
        Draft {
            recipients: to(&[CARLA]),
            choice: Some(Choice { stopped: to(&[CARLA]), all: to(&["bob@tls.example", CARLA]) }),
            ..Draft::default()
        }
    }

    #[rstest]
    #[case::reopened(reopened(), Panel::On, Some(Notice::Again(vec![CARLA.to_owned()])))]
    #[case::guarantee_off(reopened(), Panel::Off, None)]
    #[case::guarantee_unknown(reopened(), Panel::Unknown, None)]
    #[case::another_address(Draft { recipients: to(&["carla@tls.example"]), ..reopened() }, Panel::On, None)]
    #[case::all(Draft { recipients: to(&["bob@tls.example", CARLA]), ..reopened() }, Panel::On,
        Some(Notice::Again(vec![CARLA.to_owned()])))]
    #[case::end_to_end(Draft { end_to_end: true, ..reopened() }, Panel::On, Some(Notice::EndToEnd(vec![CARLA.to_owned()])))]
    #[case::end_to_end_while_off(Draft { end_to_end: true, ..reopened() }, Panel::Off, Some(Notice::EndToEnd(vec![])))]
    #[case::without(Draft { without_guarantee_for: vec![CARLA.to_owned()], ..reopened() }, Panel::On,
        Some(Notice::Without(vec![CARLA.to_owned()])))]
    #[case::end_to_end_without(Draft { end_to_end: true, without_guarantee_for: vec![CARLA.to_owned()], ..reopened() },
        Panel::On, Some(Notice::Without(vec![CARLA.to_owned()])))]
    #[case::override_for_nobody_left(
        Draft { without_guarantee_for: vec![CARLA.to_owned()], recipients: to(&["carla@tls.example"]), ..reopened() },
        Panel::On, None)]
    #[case::any_other_draft(Draft { recipients: to(&[CARLA]), ..Draft::default() }, Panel::On, None)]
    fn notices(#[case] draft: Draft, #[case] panel: Panel, #[case] expected: Option<Notice>) {
        assert_eq!(of(&draft, panel), expected);
    }

    /// What the domain publishes binds every mail: nothing is offered that would not help.
    #[rstest]
    #[case::only_bound(&["eve@dane-mismatch.example"], None, &["eve@dane-mismatch.example"])]
    #[case::mixed(&[CARLA, "eve@dane-mismatch.example"], Some(Notice::Again(vec![CARLA.to_owned()])),
        &["eve@dane-mismatch.example"])]
    #[case::none_left(&[CARLA], Some(Notice::Again(vec![CARLA.to_owned()])), &[])]
    fn whom_no_override_reaches(
        #[case] recipients: &[&str],
        #[case] notice: Option<Notice>,
        #[case] bound: &[&str],
    ) {
        let stopped = to(&[CARLA, "eve@dane-mismatch.example"]);
        let draft = Draft {
            recipients: to(recipients),
            choice: Some(Choice { stopped: stopped.clone(), all: stopped }),
            bound: vec!["eve@dane-mismatch.example".to_owned()],
            ..Draft::default()
        };
        assert_eq!(of(&draft, Panel::On), notice);
        assert_eq!(super::bound(&draft), bound);
    }

    #[rstest]
    #[case(to(&[CARLA]), Some(Chosen::Stopped))]
    #[case(to(&["bob@tls.example", CARLA]), Some(Chosen::All))]
    #[case(to(&["bob@tls.example"]), None)]
    fn choices(#[case] recipients: Recipients, #[case] expected: Option<Chosen>) {
        let draft = Draft { recipients: recipients.clone(), ..reopened() };
        assert_eq!(chosen(&draft), expected);
        if let Some(which) = expected {
            assert_eq!(super::recipients(&draft, which), recipients);
        }
    }

    #[test]
    fn there_is_no_choice_where_all_were_stopped() {
        assert!(has_choice(&reopened()));
        let choice = Some(Choice { stopped: to(&[CARLA]), all: to(&[CARLA]) });
        assert!(!has_choice(&Draft { choice, ..reopened() }));
        assert!(!has_choice(&Draft::default()));
    }
}
