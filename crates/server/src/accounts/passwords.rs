//! Argon2id (RFC 9106) on threads of its own, a few at a time: each hash costs some 20 MiB and milliseconds.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

/// Log-ins that may wait for their turn; more are turned away.
const WAITING: usize = 1000;
/// How long one may wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hashes passwords, as many at a time as there are processors.
#[derive(Clone)]
pub(super) struct Hasher {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// The hash of no password, to be compared with where there is no account.
    decoy: Arc<OnceCell<String>>,
}

/// Why there is no result.
#[derive(Clone, Copy, Debug)]
pub(super) enum HasherError {
    /// Too many at once.
    Busy,
    /// The hash function failed, or the hash is none.
    Failed,
}

/// The right to hash once.
pub(super) struct Turn {
    permit: OwnedSemaphorePermit,
    decoy: Arc<OnceCell<String>>,
}

impl Hasher {
    pub(super) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            running: Arc::new(Semaphore::new(processors)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            decoy: Arc::default(),
        }
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self) -> Result<Turn, HasherError> {
        let _place = self.waiting.try_acquire().map_err(|_| HasherError::Busy)?;
        let permit = tokio::time::timeout(PATIENCE, Arc::clone(&self.running).acquire_owned())
            .await
            .map_err(|_| HasherError::Busy)?
            .map_err(|_| HasherError::Busy)?;
        Ok(Turn { permit, decoy: Arc::clone(&self.decoy) })
    }
}

impl Turn {
    /// The password's hash as a PHC string, with a salt of its own.
    pub(super) async fn hash(self, password: String) -> Result<String, HasherError> {
        run(move || {
            let hash = hash(password.as_bytes());
            drop(self.permit);
            hash
        })
        .await
    }

    /// Whether it is the password of that hash; without a hash it is not, after the same work.
    pub(super) async fn verify(
        self,
        password: String,
        expected: Option<String>,
    ) -> Result<bool, HasherError> {
        let exists = expected.is_some();
        let expected = match expected {
            Some(hash) => hash,
            None => self.decoy.get_or_try_init(|| run(|| hash(b"decoy"))).await?.clone(),
        };
        let right = run(move || {
            let right = verify(password.as_bytes(), &expected);
            drop(self.permit);
            right
        })
        .await?;
        Ok(right && exists)
    }
}

async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HasherError> + Send + 'static,
) -> Result<T, HasherError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(HasherError::Failed))
}

fn hash(password: &[u8]) -> Result<String, HasherError> {
    let hash: PasswordHash = Argon2::default().hash_password(password).map_err(|_| HasherError::Failed)?;
    Ok(hash.to_string())
}

fn verify(password: &[u8], expected: &str) -> Result<bool, HasherError> {
    let expected = PasswordHash::new(expected).map_err(|_| HasherError::Failed)?;
    match Argon2::default().verify_password(password, &expected) {
        Ok(()) => Ok(true),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(HasherError::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_argon2id_and_knows_its_password() {
        let hashed = hash(b"demo").unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$"), "{hashed}");
        assert!(verify(b"demo", &hashed).unwrap());
        assert!(!verify(b"Demo", &hashed).unwrap());
        assert_ne!(hashed, hash(b"demo").unwrap(), "each hash has a salt of its own");
    }

    #[tokio::test]
    async fn without_a_hash_nothing_is_right() {
        let hasher = Hasher::new();
        let turn = hasher.turn().await.unwrap();
        assert!(!turn.verify("decoy".to_owned(), None).await.unwrap());
    }
}
