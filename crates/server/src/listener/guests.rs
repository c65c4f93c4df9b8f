//! Whose programs are heard at a door for this machine.

use std::{fs, io, os::unix::fs::MetadataExt};

use anyhow::{Context, bail};
use nix::unistd::User;

use super::Peer;

/// The Unix users who may come in: this server's own, root, and those that the configuration names.
#[derive(Clone, Debug)]
pub struct Guests(Vec<u32>);

impl Guests {
    /// Looks the users up; `field` is where the configuration names them. Fails for a user that the system does not know.
    pub fn new(field: &str, users: &[String]) -> anyhow::Result<Self> {
        let own = fs::metadata("/proc/self").context("/proc is needed to know who connects")?.uid();
        let mut allowed = vec![0, own];
        for name in users {
            match User::from_name(name).with_context(|| format!("{field} = {name:?}"))? {
                Some(user) => allowed.push(user.uid.as_raw()),
                None => bail!(
                    "{field} = {name:?}: this system has no such user; one that systemd makes (DynamicUser) is there \
                     only while its service runs"
                ),
            }
        }
        Ok(Self(allowed))
    }

    /// Whether this peer is one of them.
    pub fn admit(&self, peer: &Peer) -> io::Result<bool> {
        Ok(peer.user()?.is_some_and(|user| self.0.contains(&user)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_user_root_and_the_named_ones_are_guests() {
        let own = fs::metadata("/proc/self").expect("procfs").uid();
        let admits = |guests: &Guests, user| guests.admit(&Peer::User(user)).expect("readable");
        let nobody = User::from_name("nobody").expect("a table").expect("every system has it").uid.as_raw();
        let few = Guests::new("store.users", &[]).expect("no names");
        assert_eq!(
            [0, own, nobody, 4_000_000_000].map(|user| admits(&few, user)),
            [true, true, false, false]
        );
        let more = Guests::new("store.users", &["nobody".to_owned()]).expect("known");
        assert!(admits(&more, nobody));
    }

    #[test]
    fn an_unknown_user_is_told_with_its_field() {
        let error = Guests::new("relay.users", &["no-such-user".to_owned()]).expect_err("unknown");
        assert!(
            error.to_string().starts_with("relay.users = \"no-such-user\": this system has no such user")
        );
    }
}
