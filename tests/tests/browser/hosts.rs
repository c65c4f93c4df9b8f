//! The webmails that the suite runs in, each in its world.

use std::ops::Deref;

use black_box::{Demo, Provider, Screen, Shade, User, World};

use crate::reference::Reference;
use crate::roundcube::Roundcube;
use crate::webmail::Pages;
use crate::words::{self, Words};

/// A webmail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// The reference webmail, in the demo.
    Reference,
    /// Roundcube with the Elastic skin, beside Dovecot.
    Roundcube,
}

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    German,
    English,
}

/// How somebody looks at a webmail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) language: Language,
    pub(crate) screen: Screen,
    pub(crate) shade: Shade,
}

impl Look {
    /// English, on a desktop, in the light.
    pub(crate) const PLAIN: Self =
        Self { language: Language::English, screen: Screen::Desktop, shade: Shade::Light };

    /// The same in another language.
    pub(crate) fn of(language: Language) -> Self {
        Self { language, ..Self::PLAIN }
    }
}

/// The world of a webmail, running.
pub(crate) enum Place {
    Demo(Box<Demo>),
    Provider(Box<Provider>),
}

impl Deref for Place {
    type Target = World;

    fn deref(&self) -> &World {
        match self {
            Self::Demo(demo) => demo,
            Self::Provider(provider) => provider,
        }
    }
}

impl Host {
    /// Starts its world; `None`, said so, where this machine has not got what it takes.
    pub(crate) fn start(self) -> Option<Place> {
        match self {
            Self::Reference => Some(Place::Demo(Box::new(Demo::start()))),
            Self::Roundcube => Provider::start().map(|provider| Place::Provider(Box::new(provider))),
        }
    }

    /// What its things are called.
    pub(crate) fn words(self, language: Language) -> &'static Words {
        match (self, language) {
            (Self::Reference, Language::German) => &words::GERMAN,
            (Self::Reference, Language::English) => &words::ENGLISH,
            (Self::Roundcube, Language::German) => &words::ROUNDCUBE_GERMAN,
            (Self::Roundcube, Language::English) => &words::ROUNDCUBE_ENGLISH,
        }
    }

    /// Files the copy of a sent mail, where it is the mail program that files it.
    pub(crate) fn file_sent(self, user: &User, message: &[u8]) {
        if self == Self::Roundcube {
            user.imap().append("Sent", message);
        }
    }

    /// Waits until so many messages lie in the inbox.
    pub(crate) fn wait_for_inbox(user: &User, count: usize) {
        black_box::wait_for(&format!("{count} messages"), || {
            (user.list("INBOX").len() >= count).then_some(())
        });
    }

    /// How it is used.
    pub(crate) fn pages(self) -> &'static dyn Pages {
        match self {
            Self::Reference => &Reference,
            Self::Roundcube => &Roundcube,
        }
    }

    /// The first part of its pictures' names; none for the reference webmail.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Reference => "",
            Self::Roundcube => "roundcube-",
        }
    }
}
