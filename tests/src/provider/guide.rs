//! `docs/roundcube.md`, read for what it has an admin do.
//!
//! The words after a code block's language say what the block is: `file=PATH` a whole file, `lines=PATH` lines for
//! the end of a file that is there, `apply` commands that work without systemd and network. `postfix=a`, `=b` or `=ab`
//! mark what belongs beside an existing Postfix. Other blocks are for people only.

use std::path::{Path, PathBuf};

/// How Postfix and our server share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostfixWay {
    /// Postfix receives submissions and hands all outbound mail to us.
    HandsAllOver,
    /// Postfix stays in charge and routes to us the mail of users with the guarantee.
    RoutesBySender,
}

impl PostfixWay {
    fn letter(self) -> char {
        match self {
            Self::HandsAllOver => 'a',
            Self::RoutesBySender => 'b',
        }
    }
}

/// What is to be done with a block's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// It is this file.
    File(PathBuf),
    /// It goes to the end of this file.
    Lines(PathBuf),
    /// A shell runs it.
    Commands,
}

/// One code block that does something.
#[derive(Clone, Debug)]
pub struct Block {
    /// What is to be done.
    pub task: Task,
    /// With what.
    pub text: String,
    /// The line of the page where the block begins, for messages.
    pub line: usize,
    /// The letters of the ways beside Postfix that it is for; empty if it is for everybody.
    ways: String,
}

/// The guide, in the order of its page.
pub struct Guide {
    blocks: Vec<Block>,
}

impl Guide {
    /// Reads the page.
    ///
    /// # Panics
    /// When a block is marked in a way that is not known.
    pub fn read() -> Self {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/roundcube.md");
        let page = std::fs::read_to_string(&page).unwrap_or_else(|e| panic!("{}: {e}", page.display()));
        let mut blocks = Vec::new();
        let mut lines = page.lines().zip(1..);
        while let Some((line, number)) = lines.next() {
            let Some(info) = line.strip_prefix("```") else { continue };
            let inside = lines.by_ref().map(|(line, _)| line).take_while(|line| *line != "```");
            let text: String = inside.flat_map(|line| [line, "\n"]).collect();
            blocks.extend(block(info, text, number));
        }
        Self { blocks }
    }

    /// All that an admin does who goes this way, in the page's order.
    pub fn blocks(&self, way: Option<PostfixWay>) -> impl Iterator<Item = &Block> {
        let fits = move |ways: &str| way.map_or(ways.is_empty(), |way| ways.contains(way.letter()));
        self.blocks.iter().filter(move |block| block.ways.is_empty() || fits(&block.ways))
    }

    /// All blocks, whichever way they are for.
    pub fn all(&self) -> &[Block] {
        &self.blocks
    }
}

fn block(info: &str, text: String, line: usize) -> Option<Block> {
    let mut words = info.split_whitespace().skip(1).peekable();
    words.peek()?;
    let (mut task, mut ways) = (None, String::new());
    for word in words {
        match word.split_once('=') {
            Some(("file", path)) => task = Some(Task::File(path.into())),
            Some(("lines", path)) => task = Some(Task::Lines(path.into())),
            Some(("postfix", letters)) => letters.clone_into(&mut ways),
            None if word == "apply" => task = Some(Task::Commands),
            _ => panic!("docs/roundcube.md:{line}: {word:?} says nothing"),
        }
    }
    let task = task.unwrap_or_else(|| panic!("docs/roundcube.md:{line}: nothing says what this block is"));
    Some(Block { task, text, line, ways })
}
