//! Everything of the guarantee that a user sees, for any webmail.
//!
//! The plugin touches its webmail only through [`Host`]. What is decided lies in [`state`] as
//! plain data and functions, tested natively; what is seen lies in [`components`].
//!
//! A webmail
//! 1. puts [`components::Sprite`] into its page once, and calls [`words::speak`] if it has a language of its own;
//! 2. calls [`Plugin::provide`] with its [`Host`] when somebody has logged in;
//! 3. puts the components where they belong, asks [`Composing::ask_before_sending`] when Send is pressed, and calls
//!    [`Plugin::before_sending`] and [`Plugin::after_sending`] around its own sending.
//!
//! The texts of both languages lie in `locales/`, one namespace for each user of them: `plugin`
//! (here), `webmail` (the reference webmail), `bounce` (the server's reports, which reads the JSON itself).
#![recursion_limit = "256"]

// The catalogue: `i18n::Locale`, and `td_string!` for its texts. The page's language never changes, so none of the
// reactive forms is used: each would be a view of its own, and larger than its text.
include!(concat!(env!("OUT_DIR"), "/i18n.rs"));

pub mod bridge;
pub mod browser;
#[cfg(test)]
mod catalogue;
pub mod client;
pub mod components;
mod composing;
pub mod draft;
pub mod el;
mod parse;
pub mod parts;
mod plugin;
pub mod state;
pub mod words;

pub use bounce::{is_simple, plain_text};
pub use bridge::{Action, Answer, Authorization, Dialog, Host, Purpose, Question};
pub use client::{Client, ClientError};
pub use composing::{Composing, Decision};
pub use draft::{Address, Attachment, Draft, Recipients};
pub use parse::parse;
pub use plugin::Plugin;
