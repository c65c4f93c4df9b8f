//! Which view the address bar's fragment names, so that Back, reload and bookmarks work.

/// A folder of the mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Folder {
    Inbox,
    Sent,
}

impl Folder {
    /// Its name in the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inbox => "INBOX",
            Self::Sent => "Sent",
        }
    }

    /// The folder that the API calls so.
    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::Inbox, Self::Sent].into_iter().find(|folder| folder.name().eq_ignore_ascii_case(name))
    }

    fn word(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Sent => "sent",
        }
    }
}

/// A page of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Account,
    Transport,
}

/// A view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Folder(Folder),
    Message(Folder, i64),
    /// The composer with the draft of that number.
    Compose(u32),
    Settings(Section),
}

impl Route {
    /// Reads a fragment as `location.hash` has it; what it does not know is the inbox.
    pub(crate) fn parse(fragment: &str) -> Self {
        let path = fragment.trim_start_matches('#').trim_matches('/');
        let words: Vec<&str> = path.split('/').collect();
        let folder = |word: &str| if word == Folder::Sent.word() { Folder::Sent } else { Folder::Inbox };
        match words.as_slice() {
            [name @ ("inbox" | "sent"), id] => {
                id.parse().map_or(Self::Folder(folder(name)), |id| Self::Message(folder(name), id))
            }
            ["compose", number] => number.parse().map_or(Self::Folder(Folder::Inbox), Self::Compose),
            ["settings"] => Self::Settings(Section::Overview),
            ["settings", "account"] => Self::Settings(Section::Account),
            ["settings", "account", "transport"] => Self::Settings(Section::Transport),
            [name, ..] => Self::Folder(folder(name)),
            [] => Self::Folder(Folder::Inbox),
        }
    }

    /// The fragment, for an `href`.
    pub(crate) fn href(self) -> String {
        match self {
            Self::Folder(folder) => format!("#/{}", folder.word()),
            Self::Message(folder, id) => format!("#/{}/{id}", folder.word()),
            Self::Compose(number) => format!("#/compose/{number}"),
            Self::Settings(Section::Overview) => "#/settings".into(),
            Self::Settings(Section::Account) => "#/settings/account".into(),
            Self::Settings(Section::Transport) => "#/settings/account/transport".into(),
        }
    }

    /// Which pane a narrow screen shows: the style sheet's `data-view`.
    pub(crate) fn pane(self) -> &'static str {
        match self {
            Self::Folder(_) | Self::Settings(Section::Overview | Section::Account) => "list",
            Self::Message(..) | Self::Settings(Section::Transport) => "message",
            Self::Compose(_) => "compose",
        }
    }

    /// The folder whose list stands beside the view.
    pub(crate) fn folder(self) -> Option<Folder> {
        match self {
            Self::Folder(folder) | Self::Message(folder, _) => Some(folder),
            Self::Compose(_) | Self::Settings(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", Route::Folder(Folder::Inbox))]
    #[case("#/inbox", Route::Folder(Folder::Inbox))]
    #[case("#/sent", Route::Folder(Folder::Sent))]
    #[case("#/sent/", Route::Folder(Folder::Sent))]
    #[case("#/sent/12", Route::Message(Folder::Sent, 12))]
    #[case("#/inbox/seven", Route::Folder(Folder::Inbox))]
    #[case("#/compose/3", Route::Compose(3))]
    #[case("#/compose/-1", Route::Folder(Folder::Inbox))]
    #[case("#/settings", Route::Settings(Section::Overview))]
    #[case("#/settings/account", Route::Settings(Section::Account))]
    #[case("#/settings/account/transport", Route::Settings(Section::Transport))]
    #[case("#/%F0%9F%92%A3/../x", Route::Folder(Folder::Inbox))]
    fn reads_fragments(#[case] fragment: &str, #[case] route: Route) {
        assert_eq!(Route::parse(fragment), route);
    }

    #[rstest]
    #[case(Route::Folder(Folder::Sent))]
    #[case(Route::Message(Folder::Inbox, i64::MAX))]
    #[case(Route::Compose(0))]
    #[case(Route::Settings(Section::Overview))]
    #[case(Route::Settings(Section::Account))]
    #[case(Route::Settings(Section::Transport))]
    fn a_route_survives_the_address_bar(#[case] route: Route) {
        assert_eq!(Route::parse(&route.href()), route);
    }

    #[test]
    fn folders_have_the_apis_names() {
        assert_eq!(Folder::of("INBOX"), Some(Folder::Inbox));
        assert_eq!(Folder::of("Inbox"), Some(Folder::Inbox));
        assert_eq!(Folder::of("Sent"), Some(Folder::Sent));
        assert_eq!(Folder::of("Trash"), None);
    }
}
