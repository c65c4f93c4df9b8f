//! The module's parts that are loaded when they are needed, not with the page: what reads and writes whole messages.
//!
//! Each function here is an edge: whatever only it reaches is cut out of the module when the page is laid out, into the
//! file named in its attribute, and the first call loads that. Code that calls the functions behind these edges directly
//! draws them back into what every page loads; tests may.

use api::Stop;
use leptos::wasm_split::{SplitLoaderError, wasm_split};

use crate::client::ClientError;
use crate::draft::Draft;
use crate::state::banner::{self, Claimed, Confirmed};
use crate::state::compose::{self, Stamp};
use crate::state::reopen::{self, Way};

impl From<SplitLoaderError> for ClientError {
    fn from(_: SplitLoaderError) -> Self {
        Self::Away
    }
}

/// As [`banner::claimed`].
///
/// # Errors
/// [`ClientError::Away`] if the part can't be loaded; the next call tries anew.
#[wasm_split(mail, wasm_split_path = ::leptos::wasm_split, fallible)]
pub fn claimed(raw: &[u8], own_name: &str) -> Result<Claimed, ClientError> {
    Ok(banner::claimed(raw, own_name))
}

/// As [`reopen::sent_message`].
///
/// # Errors
/// As [`claimed`].
#[wasm_split(mail, wasm_split_path = ::leptos::wasm_split, fallible)]
pub fn sent_message(raw: &[u8], stops: &[Stop]) -> Result<Draft, ClientError> {
    Ok(reopen::sent_message(raw, stops))
}

/// As [`reopen::stopped`].
///
/// # Errors
/// As [`claimed`].
#[wasm_split(mail, wasm_split_path = ::leptos::wasm_split, fallible)]
pub fn stopped(raw: &[u8], confirmed: &Confirmed, way: Way) -> Result<Draft, ClientError> {
    Ok(reopen::stopped(raw, confirmed, way))
}

/// As [`compose::write`].
///
/// # Errors
/// As [`claimed`].
#[wasm_split(mail, wasm_split_path = ::leptos::wasm_split, fallible)]
pub fn write(draft: &Draft, account: &str, stamp: &Stamp) -> Result<Vec<u8>, ClientError> {
    Ok(compose::write(draft, account, stamp))
}
