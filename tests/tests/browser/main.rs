//! What a person sees and does, in a real browser.
//!
//! Things are found as a person with a screen reader finds them, by role and accessible name, and waited for as a
//! person waits: until they are there. Where the machine has no browser, or the page has not been built, the tests
//! say `not run`.
//!
//! What a user is promised is shown in every webmail, the reference webmail and Roundcube: such a test has the
//! [`hosts::Host`] as its argument. What is the reference webmail's own is in files of its own.

mod accessibility;
mod account;
mod ahead;
mod banner;
mod composer;
mod failure;
mod hostile;
mod hosts;
mod keyboard;
mod languages;
mod mails;
mod reference;
mod reopen;
mod roundcube;
mod roundcube_ahead;
mod session;
mod sessions;
mod story;
mod tour;
mod transport;
mod views;
mod webmail;
mod words;
