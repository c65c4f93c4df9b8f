//! The files that the guide shows: each is one that its program takes.

use std::path::Path;
use std::process::Command;

use black_box::{Guide, PostfixWay, Provider, Task, run};
use rstest::rstest;

/// What a checking program says of this world's files: nothing but its result, or the test fails.
fn says(command: &mut Command) -> String {
    let output = run(command, b"");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    let complaint = said.lines().find(|line| line.to_lowercase().contains("warning"));
    assert_eq!(complaint, None, "{command:?}");
    said
}

#[rstest]
#[case::alone(None)]
#[case::postfix_hands_all_over(Some(PostfixWay::HandsAllOver))]
#[case::postfix_routes_by_sender(Some(PostfixWay::RoutesBySender))]
fn every_program_takes_its_files(#[case] way: Option<PostfixWay>) {
    let provider = way.map_or_else(Provider::start, Provider::beside_postfix);
    let Some(provider) = provider else { return };
    let at = |path: &str| provider.path(path);
    says(Command::new("doveconf").arg("-nc").arg(at("/etc/dovecot/dovecot.conf")));
    says(Command::new("nginx").arg("-tc").arg(at("/etc/nginx/nginx.conf")));
    says(Command::new("php").arg("-l").arg(at("/etc/roundcube/config.inc.php")));
    says(Command::new("sh").arg("-n").arg(at("/etc/letsencrypt/renewal-hooks/deploy/mail")));
    let mut check = Command::new(at("/usr/bin/tls-guarantee"));
    says(check.args(["serve", "--check", "--config"]).arg(at("/etc/tls-guarantee/config.toml")));
    if way.is_some() {
        says(Command::new("/usr/sbin/postfix").arg("-c").arg(at("/etc/postfix")).arg("check"));
        says(Command::new("/usr/sbin/postconf").arg("-c").arg(at("/etc/postfix")).arg("-n"));
    }
}

/// A file that no program of the test reads would be a file that nobody has tried.
#[test]
fn every_file_is_of_a_program_that_runs_here() {
    const READ: [&str; 11] = [
        "/etc/dovecot/local.conf",
        "/etc/dovecot/conf.d/95-postfix.conf",
        "/etc/nginx/sites-available/webmail",
        "/etc/postfix/further-addresses",
        "/etc/postfix/main.cf",
        "/etc/postfix/master.cf",
        "/etc/postfix/own-addresses",
        "/etc/roundcube/config.inc.php",
        "/etc/tls-guarantee/config.toml",
        "/etc/letsencrypt/renewal-hooks/deploy/mail",
        "/etc/systemd/system/tls-guarantee.service.d/try.conf",
    ];
    let guide = Guide::read();
    for block in guide.all() {
        if let Task::File(path) | Task::Lines(path) = &block.task {
            assert!(
                READ.iter().any(|read| Path::new(read) == path),
                "line {}: {}",
                block.line,
                path.display()
            );
        }
    }
}

/// Those that no test runs, for want of systemd or a network, are at least no nonsense to a shell.
#[test]
fn every_command_is_one() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/roundcube.md");
    let page = std::fs::read_to_string(page).expect("the guide");
    let mut blocks = 0;
    for block in page.split("```sh").skip(1) {
        let (_, commands) = block.split_once('\n').expect("a line");
        let (commands, _) = commands.split_once("```").expect("an end");
        let read = run(Command::new("sh").args(["-n", "-e", "-u"]), commands.as_bytes());
        assert!(read.status.success(), "{commands}\n{read:?}");
        blocks += 1;
    }
    assert!(blocks > 10, "{blocks}");
}

/// The path is for people in the text above: the words after a block's language are not shown.
#[test]
fn the_text_above_a_file_names_it() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/roundcube.md");
    let page = std::fs::read_to_string(page).expect("the guide");
    let lines: Vec<&str> = page.lines().collect();
    for block in Guide::read().all() {
        if let Task::File(path) | Task::Lines(path) = &block.task {
            let above = lines[..block.line - 1].iter().rev().find(|line| !line.is_empty());
            let named = above.is_some_and(|line| line.contains(&format!("`{}`", path.display())));
            assert!(named, "line {}: the line above does not name {}", block.line, path.display());
        }
    }
}
