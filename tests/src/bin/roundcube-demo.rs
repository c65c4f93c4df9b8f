//! A provider's machine to look at, until Ctrl-C.

use std::process::ExitCode;

use black_box::{PASSWORD, Provider};

fn main() -> ExitCode {
    let Some(provider) = Provider::start() else { return ExitCode::FAILURE };
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
