//! What is seen. The markup's classes are styled by `www/style.css`.
#![expect(
    unreachable_pub,
    reason = "`#[component]` writes its function a second time, where nobody reaches it"
)]

mod asked;
mod bounce_banner;
mod composer_notice;
mod delivery;
mod exceptions;
mod field;
mod forwarding_check;
mod guarantee_state;
mod later;
mod level_choice;
mod memory;
mod offer;
mod overrides;
mod parts;
mod pause_bar;
mod pause_panel;
mod preferences;
mod recipient_protection;
mod reminder_bar;
mod send_dialog;
mod sent_mark;
mod settings_panel;
mod sprite;
mod switch_button;
mod table;
mod tell_dialog;
mod weeks;

pub use bounce_banner::BounceBanner;
pub use composer_notice::ComposerNotice;
pub use delivery::Delivery;
pub use forwarding_check::drawn_forwarding_check;
pub use guarantee_state::GuaranteeState;
pub use pause_bar::PauseBar;
pub use recipient_protection::{Field, ProtectionNotes, RecipientProtection};
pub use reminder_bar::ReminderBar;
pub(crate) use send_dialog::question;
pub use sent_mark::{Marked, SentMark};
pub use settings_panel::SettingsPanel;
pub(crate) use sprite::icon;
pub use sprite::{Icon, Sprite};
pub(crate) use tell_dialog::tell;
