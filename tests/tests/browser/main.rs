//! What a person sees and does, in a real browser.
//!
//! Things are found as a person with a screen reader finds them, by role and accessible name, and waited for as a
//! person waits: until they are there. Where the machine has no browser, or the page has not been built, the tests
//! say `not run`.

mod banner;
mod composer;
mod hostile;
mod keyboard;
mod mails;
mod session;
mod story;
mod transport;
mod views;
mod webmail;
mod words;
