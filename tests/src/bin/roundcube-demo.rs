//! A provider's machine to look at, until Ctrl-C: `roundcube-demo [a|b]`, beside Postfix if a way is given.

use std::process::ExitCode;

use black_box::{PASSWORD, PostfixWay, Provider};

fn main() -> ExitCode {
    let way = match std::env::args().nth(1).as_deref() {
        None => None,
        Some("a") => Some(PostfixWay::HandsAllOver),
        Some("b") => Some(PostfixWay::RoutesBySender),
        Some(other) => {
            eprintln!("{other}: give nothing, or the way beside Postfix: a or b");
            return ExitCode::FAILURE;
        }
    };
    let Some(provider) = way.map_or_else(Provider::start, Provider::beside_postfix) else {
        return ExitCode::FAILURE;
    };
    println!("users: alice@{domain} and bob@{domain}, password: {PASSWORD}", domain = provider.domain());
    println!("ready: {}", provider.web());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let asked = runtime.block_on(async {
        let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            asked = tokio::signal::ctrl_c() => asked,
            _ = terminated.recv() => Ok(()),
        }
    });
    drop(provider);
    ExitCode::from(u8::from(asked.is_err()))
}
