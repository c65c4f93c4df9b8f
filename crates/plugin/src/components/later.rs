use leptos::prelude::*;

use super::parts::failure;
use crate::client::ClientError;
use crate::el::{live, nothing};

/// How a part of the module draws something.
pub(super) type Draw<T> = fn(T) -> AnyView;

/// What a part of the module draws of `what`, once it has been loaded; or that it could not be.
pub(super) fn later<T: Copy + Send + 'static>(
    part: impl Future<Output = Result<Draw<T>, ClientError>> + 'static,
    what: T,
) -> AnyView {
    let loaded: RwSignal<Option<Result<Draw<T>, ClientError>>> = RwSignal::new(None);
    leptos::task::spawn_local(async move {
        let part = part.await;
        let _ = loaded.try_set(Some(part));
    });
    live(move || match loaded.get() {
        None => nothing(),
        Some(Ok(draw)) => draw(what),
        Some(Err(error)) => failure(&error),
    })
}
