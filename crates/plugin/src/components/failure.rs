use leptos::prelude::*;
use leptos_i18n::t;

use super::sprite::Icon;
use crate::client::ClientError;
use crate::i18n::use_i18n;

/// What did not work, said once it happens; nothing while there is nothing.
#[component]
pub(super) fn Failure(
    /// Why.
    #[prop(into)]
    error: Signal<Option<ClientError>>,
) -> impl IntoView {
    let i18n = use_i18n();
    move || {
        let said = match error.get()? {
            ClientError::Away => t!(i18n, plugin.error_away).into_any(),
            ClientError::LoggedOut => t!(i18n, plugin.error_session).into_any(),
            ClientError::Problem(_) | ClientError::Unreadable => t!(i18n, plugin.error_refused).into_any(),
        };
        Some(view! { <p class="hint warn" role="alert"><Icon name="alert"/> <span>{said}</span></p> })
    }
}
