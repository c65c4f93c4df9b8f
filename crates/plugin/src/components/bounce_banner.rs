use bounce::Reason;
use leptos::prelude::*;
use leptos_i18n::{t, t_string};

use super::sprite::Icon;
use super::tell_dialog::TellDialog;
use crate::Plugin;
use crate::browser::{self, Moment};
use crate::i18n::use_i18n;
use crate::state::banner::{Banner, Confirmed, FailedGroup, StoppedGroup};
use crate::state::cause::CauseWord;
use crate::state::recipients::list;
use crate::state::reopen::Way;

/// The banner above a message: get `banner` from [`crate::Plugin::banner`]. Where it is [`Banner::Forged`]
/// the webmail switches the mail's links off.
#[component]
pub fn BounceBanner(
    /// What to show.
    #[prop(into)]
    banner: Signal<Banner>,
) -> impl IntoView {
    let confirmed = Memo::new(move |_| match banner.get() {
        Banner::Confirmed(confirmed) => Some(confirmed),
        _ => None,
    });
    let is_confirmed = Memo::new(move |_| confirmed.with(Option::is_some));
    let told = RwSignal::new(None::<Vec<String>>);
    // An event that changes a number must not take the focus from a button or close the dialog.
    move || {
        if is_confirmed.get() {
            let confirmed = Signal::derive(move || confirmed.get().unwrap_or_default());
            view! { <Stopped confirmed told/> <TellDialog asked=told/> }.into_any()
        } else {
            view! { <Explained banner/> }.into_any()
        }
    }
}

#[component]
fn Stopped(#[prop(into)] confirmed: Signal<Confirmed>, told: RwSignal<Option<Vec<String>>>) -> impl IntoView {
    let i18n = use_i18n();
    let groups = Memo::new(move |_| confirmed.with(|confirmed| confirmed.groups.clone()));
    let sentences =
        move || groups.get().into_iter().map(|group| view! { <p><Sentence group/></p> }).collect_view();
    let time =
        move || match browser::long(confirmed.with(|confirmed| confirmed.stopped_at), i18n.get_locale()) {
            Moment::Today(time) => t!(i18n, plugin.today_at, time).into_any(),
            Moment::Other(time) => time.into_any(),
        };
    view! {
        <section class="banner warn" aria-labelledby="tlsg-banner">
            <div class="banner-text">
                <Icon name="stop"/>
                <h2 id="tlsg-banner">{t!(i18n, plugin.stopped_title)}</h2>
                {sentences}
                <p>{t!(i18n, plugin.stopped_not_sent, <b> = |children: ChildrenFn| view! { <strong>{children()}</strong> })}</p>
                <Others confirmed/>
                {move || confirmed.with(|confirmed| confirmed.sent_again).then(|| view! { <p>{t!(i18n, plugin.sent_again)}</p> })}
                <p class="state"><Icon name="check"/> <span>{t!(i18n, plugin.recorded, time)}</span></p>
            </div>
            <Ways confirmed told/>
        </section>
    }
}

/// Who was stopped where and why.
#[component]
fn Sentence(group: StoppedGroup) -> impl IntoView {
    let i18n = use_i18n();
    let recipients = move || {
        let one = |(at, email): (usize, &String)| {
            view! { {(at > 0).then_some(", ")} <strong class="addr">{email.clone()}</strong> }
        };
        group.recipients.iter().enumerate().map(one).collect_view()
    };
    let host = move || view! { <span class="addr">{group.host.clone()}</span> };
    match group.cause {
        CauseWord::NoStarttls => t!(i18n, plugin.stopped_no_starttls, recipients, host).into_any(),
        CauseWord::StarttlsRefused => t!(i18n, plugin.stopped_starttls_refused, recipients, host).into_any(),
        CauseWord::HandshakeFailed => t!(i18n, plugin.stopped_handshake_failed, recipients, host).into_any(),
        CauseWord::Unknown => t!(i18n, plugin.stopped_unknown, recipients, host).into_any(),
    }
}

/// What became of the others, as numbers.
#[component]
fn Others(#[prop(into)] confirmed: Signal<Confirmed>) -> impl IntoView {
    let i18n = use_i18n();
    let counts = Memo::new(move |_| confirmed.with(|one| (one.delivered_others, one.waiting_others)));
    move || {
        let (delivered, waiting) = counts.get();
        let said_delivered = match delivered {
            0 => None,
            1 => Some(t!(i18n, plugin.others_delivered_one).into_any()),
            count => Some(t!(i18n, plugin.others_delivered, count).into_any()),
        };
        let said_waiting = match waiting {
            0 => None,
            1 => Some(t!(i18n, plugin.others_waiting_one).into_any()),
            count => Some(t!(i18n, plugin.others_waiting, count).into_any()),
        };
        let between = (delivered > 0 && waiting > 0).then_some(" · ");
        (delivered + waiting > 0).then(|| {
            let (class, icon) = if delivered > 0 { ("state ok", "lockcheck") } else { ("state", "clock") };
            view! { <p class=class><Icon name=icon/> <span>{said_delivered}{between}{said_waiting}"."</span></p> }
        })
    }
}

/// The three ways, equal among each other; a button's name is only its title, the rest describes it.
#[component]
fn Ways(#[prop(into)] confirmed: Signal<Confirmed>, told: RwSignal<Option<Vec<String>>>) -> impl IntoView {
    let plugin = Plugin::of_context();
    let i18n = use_i18n();
    let failed = RwSignal::new(false);
    let open = move |way: Way| {
        failed.set(false);
        let confirmed = confirmed.get_untracked();
        leptos::task::spawn_local(async move {
            let opened = plugin.open_stopped(&confirmed, way).await;
            let _ = failed.try_set(opened.is_err());
        });
    };
    let recipients = move || confirmed.with(|confirmed| list(&confirmed.recipients()));
    view! {
        <ul class="ways" aria-label=move || t_string!(i18n, plugin.ways).to_string()>
            <li>
                <Icon name="talk"/>
                <button type="button" aria-describedby="tlsg-way-1" aria-haspopup="dialog"
                    on:click=move |_| told.set(Some(confirmed.with_untracked(Confirmed::recipients)))>
                    {t!(i18n, plugin.way_tell)}
                </button>
                <p id="tlsg-way-1">{t!(i18n, plugin.way_tell_text)}</p>
                <Icon name="right"/>
            </li>
            <li>
                <Icon name="key"/>
                <button type="button" aria-describedby="tlsg-way-2" on:click=move |_| open(Way::EndToEnd)>
                    {t!(i18n, plugin.way_end_to_end)}
                </button>
                <p id="tlsg-way-2">{t!(i18n, plugin.way_end_to_end_text)}</p>
                <Icon name="right"/>
            </li>
            <li>
                <Icon name="open"/>
                <button type="button" aria-describedby="tlsg-way-3" on:click=move |_| open(Way::WithoutGuarantee)>
                    {t!(i18n, plugin.way_without)}
                </button>
                <p id="tlsg-way-3">{t!(i18n, plugin.way_without_text, recipients)}</p>
                <Icon name="right"/>
            </li>
        </ul>
        {move || failed.get().then(|| view! { <p class="hint warn" role="alert"><Icon name="alert"/> <span>{t!(i18n, plugin.way_failed)}</span></p> })}
    }
}

/// Every other banner: it explains and offers no ways.
#[component]
fn Explained(#[prop(into)] banner: Signal<Banner>) -> impl IntoView {
    let plugin = Plugin::of_context();
    let i18n = use_i18n();
    move || {
        let (class, icon, title, text) = match banner.get() {
            Banner::None | Banner::Confirmed(_) => return None,
            Banner::Forged => (
                "banner danger",
                "alert",
                t!(i18n, plugin.forged_title).into_any(),
                view! { <p>{t!(i18n, plugin.forged)}</p> <p class="small">{t!(i18n, plugin.forged_links)}</p> }.into_any(),
            ),
            Banner::Unchecked => (
                "banner",
                "ask",
                t!(i18n, plugin.unchecked_title).into_any(),
                view! {
                    <p>{t!(i18n, plugin.unchecked)}</p>
                    <p>
                        <button class="btn" type="button" on:click=move |_| plugin.check_again()>
                            {t!(i18n, plugin.check_again)}
                        </button>
                    </p>
                }
                .into_any(),
            ),
            Banner::Other(groups) => {
                ("banner", "mail", t!(i18n, plugin.other_title).into_any(), view! { <Other groups/> }.into_any())
            }
            Banner::Delayed(recipients) => {
                let recipients = move || addresses(&recipients);
                let text = view! { <p>{t!(i18n, plugin.delayed, recipients)}</p> };
                ("banner", "clock", t!(i18n, plugin.delayed_title).into_any(), text.into_any())
            }
        };
        Some(view! {
            <section class=class aria-labelledby="tlsg-banner">
                <div class="banner-text"><Icon name=icon/> <h2 id="tlsg-banner">{title}</h2> {text}</div>
            </section>
        })
    }
}

#[component]
fn Other(groups: Vec<FailedGroup>) -> impl IntoView {
    let i18n = use_i18n();
    let said = groups.into_iter().map(|FailedGroup { recipients, reason }| {
        let recipients = move || addresses(&recipients);
        view! { <p>{t!(i18n, plugin.other, recipients, reason = move || view! { <Why reason/> })}</p> }
    });
    let said = said.collect::<Vec<_>>();
    let nobody = said.is_empty().then(|| view! { <p>{t!(i18n, plugin.other_nobody)}</p> });
    view! { {nobody} {said} <p>{t!(i18n, plugin.other_not_us)}</p> }
}

/// Addresses that somebody else wrote, as text.
fn addresses(emails: &[String]) -> impl IntoView + use<> {
    view! { <span class="addr">{list(emails)}</span> }
}

/// A reason as a sentence.
#[component]
fn Why(reason: Reason) -> impl IntoView {
    let i18n = use_i18n();
    match reason {
        Reason::UnknownUser => t!(i18n, plugin.reason_unknown_address).into_any(),
        Reason::DomainNotFound => t!(i18n, plugin.reason_unknown_domain).into_any(),
        Reason::MailboxFull => t!(i18n, plugin.reason_mailbox_full).into_any(),
        Reason::TooBig => t!(i18n, plugin.reason_too_large).into_any(),
        Reason::Rejected => t!(i18n, plugin.reason_refused).into_any(),
        Reason::Unreachable => t!(i18n, plugin.reason_unreachable).into_any(),
        Reason::NoEncryption => t!(i18n, plugin.reason_encryption).into_any(),
        Reason::Delayed | Reason::Other => t!(i18n, plugin.reason_unknown).into_any(),
    }
}
