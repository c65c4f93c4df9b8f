//! What is shown and what is done, as plain data and functions: nothing here knows a browser.

pub mod banner;
pub mod cause;
pub mod compose;
pub mod evidence;
pub mod exceptions;
pub mod forwarding;
pub mod history;
pub mod notice;
pub mod panel;
pub mod pause;
pub mod protection;
pub mod recipients;
pub mod reminder;
pub mod reopen;
pub mod sending;
pub mod stops;
