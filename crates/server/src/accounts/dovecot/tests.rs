//! Against a Dovecot that does as the test says.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};

use super::*;

const GREETING: &str = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tXOAUTH2\tplaintext\nMECH\tCRAM-MD5\tdictionary\n\
                        SPID\t1\nCUID\t1\nCOOKIE\tab\nDONE\n";
const ALICE: &str = "alice@home.example";

/// Long enough for every answer that comes.
const PATIENT: Patience = Patience {
    greeting: Duration::from_secs(60),
    answer: Duration::from_secs(60),
    retry: Duration::from_secs(3600),
};

/// A place where the test plays Dovecot.
struct Stage {
    path: PathBuf,
    listener: Option<UnixListener>,
    _folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth");
        let listener = Some(UnixListener::bind(&path).unwrap());
        Self { path, listener, _folder: folder }
    }

    fn leave(&mut self) {
        self.listener = None;
        std::fs::remove_file(&self.path).unwrap();
    }

    fn come_back(&mut self) {
        self.listener = Some(UnixListener::bind(&self.path).unwrap());
    }

    fn client(&self, patience: Patience) -> Dovecot {
        Dovecot::with(Place::Unix(self.path.clone()), patience)
    }

    async fn accept(&self) -> Talk {
        let (stream, _) = self.listener.as_ref().unwrap().accept().await.unwrap();
        Talk::new(stream).await
    }

    async fn greet(&self) -> Talk {
        let mut talk = self.accept().await;
        talk.say(GREETING).await;
        talk
    }
}

/// Dovecot's side of a connection.
struct Talk {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
    client: String,
}

#[derive(Debug)]
struct Asked {
    id: u32,
    mechanism: String,
    response: String,
}

impl Talk {
    async fn new(stream: UnixStream) -> Self {
        let (reader, writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("VERSION\t1\t2"));
        let client = lines.next_line().await.unwrap().unwrap();
        assert!(client.starts_with("CPID\t"), "{client}");
        Self { lines, writer, client }
    }

    /// What is asked next; nothing when the other side has hung up.
    async fn line(&mut self) -> Option<String> {
        self.lines.next_line().await.unwrap()
    }

    async fn asked(&mut self) -> Asked {
        let line = self.line().await.unwrap();
        let fields: Vec<&str> = line.split('\t').collect();
        let [word, id, mechanism, .., response] = fields[..] else { panic!("{line:?}") };
        assert_eq!(word, "AUTH");
        let response = STANDARD.decode(response.strip_prefix("resp=").unwrap()).unwrap();
        Asked {
            id: id.parse().unwrap(),
            mechanism: mechanism.to_owned(),
            response: String::from_utf8(response).unwrap(),
        }
    }

    async fn say(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).await.unwrap();
    }

    async fn accept(&mut self, asked: &Asked, user: &str) {
        self.say(&format!("OK\t{}\tuser={user}\n", asked.id)).await;
    }
}

#[tokio::test]
async fn many_are_asked_for_at_once_and_answered_in_any_order() {
    let stage = Stage::new();
    let dovecot = stage.client(PATIENT);
    let names: Vec<String> = (0..50).map(|n| format!("u{n}@home.example")).collect();
    let asking = join_all(names.iter().map(|name| dovecot.password(name, "pw", None)));
    let answering = async {
        let mut talk = stage.greet().await;
        let mut all = Vec::new();
        for _ in &names {
            all.push(talk.asked().await);
        }
        for asked in all.iter().rev() {
            let name = asked.response.split('\0').nth(1).unwrap();
            assert_eq!(asked.response, format!("\0{name}\0pw"));
            assert_eq!(asked.mechanism, "PLAIN");
            talk.accept(asked, name).await;
        }
        talk
    };
    let (answers, _talk) = tokio::join!(asking, answering);
    for (name, answer) in names.iter().zip(answers) {
        assert_eq!(answer.unwrap(), *name);
    }
}

#[tokio::test]
async fn an_answer_may_come_in_pieces() {
    let stage = Stage::new();
    let dovecot = stage.client(PATIENT);
    let answering = async {
        let mut talk = stage.accept().await;
        for piece in GREETING.as_bytes().chunks(3) {
            talk.say(std::str::from_utf8(piece).unwrap()).await;
            tokio::task::yield_now().await;
        }
        let asked = talk.asked().await;
        // An answer to nobody's question, a word of tomorrow, then the answer with CRLF.
        let text = format!(
            "OK\t9999\tuser=bob@home.example\nNEWS\t1\nOK\t{}\tuser=Alice@HOME.example\r\n",
            asked.id
        );
        for piece in text.as_bytes().chunks(2) {
            talk.say(std::str::from_utf8(piece).unwrap()).await;
            tokio::task::yield_now().await;
        }
        talk
    };
    let (answer, _talk) = tokio::join!(dovecot.password(ALICE, "pw", None), answering);
    assert_eq!(answer.unwrap(), "Alice@home.example");
}

#[tokio::test]
async fn a_restart_in_the_middle_is_not_noticed() {
    let mut stage = Stage::new();
    let dovecot = stage.client(PATIENT);
    let answering = async {
        let mut first = stage.greet().await;
        first.asked().await;
        let gone = first.client.clone();
        drop(first);
        let mut second = stage.greet().await;
        assert_ne!(second.client, gone, "each connection has an id of its own");
        let asked = second.asked().await;
        second.accept(&asked, ALICE).await;
        second
    };
    let (answer, talk) = tokio::join!(dovecot.password(ALICE, "pw", None), answering);
    assert_eq!(answer.unwrap(), ALICE);
    drop(talk);
    stage.leave();
    let away = dovecot.password(ALICE, "pw", None).await;
    assert!(matches!(away, Err(LogInError::Unavailable)), "{away:?}");
    stage.come_back();
    let answering = async {
        let mut talk = stage.greet().await;
        let asked = talk.asked().await;
        talk.accept(&asked, ALICE).await;
        talk
    };
    let (answer, _talk) = tokio::join!(dovecot.password(ALICE, "pw", None), answering);
    assert_eq!(answer.unwrap(), ALICE);
}

#[tokio::test]
async fn a_dovecot_that_breaks_down_at_every_question_is_away() {
    let stage = Stage::new();
    let dovecot = stage.client(PATIENT);
    let answering = async {
        for _ in 0..2 {
            stage.greet().await.asked().await;
        }
    };
    let (answer, ()) = tokio::join!(dovecot.password(ALICE, "pw", None), answering);
    assert!(matches!(answer, Err(LogInError::Unavailable)), "{answer:?}");
}

#[rstest]
#[case::mail_server("220 mail.home.example ESMTP\r\n".to_owned())]
#[case::another_version("VERSION\t2\t0\nMECH\tPLAIN\nDONE\n".to_owned())]
#[case::endless_line("X".repeat(100_000))]
#[case::endless_greeting("MECH\tX\n".repeat(10_000))]
#[case::hung_up(String::new())]
#[tokio::test]
async fn who_does_not_greet_like_dovecot_is_not_asked(#[case] greeting: String) {
    let stage = Stage::new();
    let dovecot = stage.client(PATIENT);
    let answering = async {
        let mut talk = stage.accept().await;
        // The other side may hang up before it has all of it.
        let _cut_off: io::Result<()> = talk.writer.write_all(greeting.as_bytes()).await;
    };
    // It looks at once whether Dovecot is there; a question waits for what comes of that.
    let (answer, ()) = tokio::join!(dovecot.password(ALICE, "pw", None), answering);
    assert!(matches!(answer, Err(LogInError::Unavailable)), "{answer:?}");
    let answering = async {
        let mut talk = stage.greet().await;
        let asked = talk.asked().await;
        talk.accept(&asked, ALICE).await;
        talk
    };
    let (answer, _talk) = tokio::join!(dovecot.password(ALICE, "pw", None), answering);
    assert_eq!(answer.unwrap(), ALICE, "the next one is asked all the same");
}

#[rstest]
#[case::garbage("\u{1}\u{2}garbage\n".to_owned())]
#[case::no_id("OK\tx\tuser=alice@home.example\n".to_owned())]
#[case::nobody("OK\tID\n".to_owned())]
#[case::endless_line("X".repeat(100_000))]
#[case::challenge_for_a_password("CONT\tID\tAAAA\n".to_owned())]
#[case::temporary("FAIL\tID\tuser=alice@home.example\ttemp\n".to_owned())]
#[case::name_without_domain("OK\tID\tuser=alice\n".to_owned())]
#[case::name_with_more("OK\tID\tuser=alice@home.example\u{1}nbob\n".to_owned())]
#[tokio::test]
async fn an_answer_that_is_none_lets_nobody_in(#[case] answer: String) {
    let stage = Stage::new();
    let dovecot = stage.client(PATIENT);
    let answering = async {
        let mut kept = Vec::new();
        // Once more on a new connection, if this one is taken for broken.
        loop {
            let mut talk = stage.greet().await;
            let asked = talk.asked().await;
            let text = answer.replace("ID", &asked.id.to_string());
            let _cut_off: io::Result<()> = talk.writer.write_all(text.as_bytes()).await;
            kept.push(talk);
        }
    };
    let verdict = tokio::select! {
        verdict = dovecot.password(ALICE, "pw", None) => verdict,
        () = answering => unreachable!(),
    };
    assert!(matches!(verdict, Err(LogInError::Unavailable)), "{verdict:?}");
}

#[tokio::test]
async fn who_says_nothing_is_given_up() {
    let stage = Stage::new();
    let brief = Patience { answer: Duration::from_millis(200), ..PATIENT };
    let dovecot = stage.client(brief);
    let answering = async {
        let mut talk = stage.greet().await;
        talk.asked().await;
        assert_eq!(talk.line().await, None, "nothing at all was heard: the connection is given up");
    };
    let (answer, ()) = tokio::join!(dovecot.password(ALICE, "pw", None), answering);
    assert!(matches!(answer, Err(LogInError::Unavailable)), "{answer:?}");
}

#[tokio::test]
async fn one_question_without_answer_holds_up_no_other() {
    let stage = Stage::new();
    let brief = Patience { answer: Duration::from_millis(500), ..PATIENT };
    let dovecot = stage.client(brief);
    let answering = async {
        let mut talk = stage.greet().await;
        let (one, other) = (talk.asked().await, talk.asked().await);
        let (slow, quick) = if one.response.contains("slow") { (one, other) } else { (other, one) };
        talk.accept(&quick, "quick@home.example").await;
        assert_eq!(talk.line().await, Some(format!("CANCEL\t{}", slow.id)));
        talk.accept(&slow, "slow@home.example").await;
        talk
    };
    let asking = async {
        tokio::join!(
            dovecot.password("slow@home.example", "pw", None),
            dovecot.password("quick@home.example", "pw", None)
        )
    };
    let ((slow, quick), mut talk) = tokio::join!(asking, answering);
    assert!(matches!(slow, Err(LogInError::Unavailable)), "{slow:?}");
    assert_eq!(quick.unwrap(), "quick@home.example");
    let again = async {
        let asked = talk.asked().await;
        talk.accept(&asked, ALICE).await;
    };
    let (answer, ()) = tokio::join!(dovecot.password(ALICE, "pw", None), again);
    assert_eq!(answer.unwrap(), ALICE, "the late answer is nobody's");
}

#[tokio::test]
async fn tokens_are_handed_on_as_dovecot_offers() {
    let stage = Stage::new();
    let dovecot = stage.client(PATIENT);
    assert_eq!(dovecot.token_mechanisms(), [], "Dovecot has not been met yet");
    let response = "user=alice@home.example\x01auth=Bearer t\x01\x01";
    let answering = async {
        let mut talk = stage.greet().await;
        let asked = talk.asked().await;
        assert_eq!((asked.mechanism.as_str(), asked.response.as_str()), ("XOAUTH2", response));
        talk.say(&format!("CONT\t{}\teyJzdGF0dXMiOiI0MDEifQ==\n", asked.id)).await;
        assert_eq!(talk.line().await, Some(format!("CONT\t{}\t", asked.id)));
        talk.say(&format!("FAIL\t{}\tuser=alice@home.example\n", asked.id)).await;
        let asked = talk.asked().await;
        talk.accept(&asked, ALICE).await;
        talk
    };
    let asking = async {
        let refused = dovecot.token(Mechanism::Xoauth2, response, None).await;
        let Err(LogInError::TokenRefused { text }) = refused else { panic!("{refused:?}") };
        assert_eq!(text, "{\"status\":\"401\"}");
        dovecot.token(Mechanism::Xoauth2, response, None).await
    };
    let (answer, mut talk) = tokio::join!(asking, answering);
    assert_eq!(answer.unwrap(), ALICE);
    assert_eq!(dovecot.token_mechanisms(), [Mechanism::Xoauth2]);
    // One that is not offered is not asked for: Dovecot would hang up on everybody.
    let not_offered = dovecot.token(Mechanism::OauthBearer, response, None).await;
    assert!(matches!(not_offered, Err(LogInError::Unavailable)), "{not_offered:?}");
    let again = async {
        let asked = talk.asked().await;
        talk.accept(&asked, ALICE).await;
    };
    let (answer, ()) = tokio::join!(dovecot.password(ALICE, "pw", None), again);
    assert_eq!(answer.unwrap(), ALICE);
}

#[rstest]
#[case::another_name_inside("alice@home.example\0demo", "pw")]
#[case::another_password_inside(ALICE, "pw\0")]
#[case::nobody("", "pw")]
#[case::long_name(&"a".repeat(321), "pw")]
#[case::long_password(ALICE, &"a".repeat(1025))]
#[tokio::test]
async fn what_can_be_nobodys_password_is_not_asked(#[case] name: &str, #[case] password: &str) {
    let stage = Stage::new();
    let dovecot = stage.client(PATIENT);
    let refused = dovecot.password(name, password, None).await;
    assert!(matches!(refused, Err(LogInError::Wrong)), "{refused:?}");
    let refused = dovecot.token(Mechanism::Xoauth2, &"t".repeat(10_000), None).await;
    assert!(matches!(refused, Err(LogInError::Wrong)), "{refused:?}");
}

#[tokio::test]
async fn it_is_looked_for_until_it_is_there_and_its_offer_is_learnt() {
    let mut stage = Stage::new();
    stage.leave();
    let dovecot = stage.client(Patience { retry: Duration::from_millis(50), ..PATIENT });
    let mut offered = dovecot.offered.clone();
    let away = dovecot.password(ALICE, "pw", None).await;
    assert!(matches!(away, Err(LogInError::Unavailable)), "{away:?}");
    stage.come_back();
    let talk = stage.greet().await;
    offered.changed().await.unwrap();
    assert_eq!(dovecot.token_mechanisms(), [Mechanism::Xoauth2]);
    drop(talk);
    let mut talk = stage.accept().await;
    talk.say("VERSION\t1\t2\nMECH\tPLAIN\nMECH\toauthbearer\nDONE\n").await;
    offered.changed().await.unwrap();
    assert_eq!(dovecot.token_mechanisms(), [Mechanism::OauthBearer], "it was configured anew");
}

#[tokio::test]
async fn its_connection_ends_with_whoever_could_ask() {
    let stage = Stage::new();
    let dovecot = stage.client(PATIENT);
    let mut talk = stage.greet().await;
    drop(dovecot);
    assert_eq!(talk.line().await, None);
}
