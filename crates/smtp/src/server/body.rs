//! The message, by DATA (RFC 5321 §4.1.1.4) or by BDAT (RFC 3030).

use super::dispatch::no_arguments;
use super::dots::{DotReader, Progress};
use super::event::Event;
use super::{Mode, Session, Transaction};
use crate::command::{self, BdatEnd, Verb};
use crate::content::ContentScan;
use crate::reply::Reply;

/// A BDAT chunk on its way in.
#[derive(Debug)]
pub(super) struct Chunk {
    size: u64,
    remaining: u64,
    end: BdatEnd,
    /// It is out of order or malformed: its octets are passed over, never read as commands.
    refused: Option<Reply>,
}

impl Session {
    pub(super) fn data(&mut self, arguments: &str) -> Result<(), Reply> {
        no_arguments(arguments)?;
        if matches!(self.transaction, Transaction::Body(_)) {
            // RFC 3030 §2.
            return Err(Reply::new(
                503,
                (5, 5, 1),
                "The message has begun with BDAT; go on with BDAT, or send RSET",
            ));
        }
        self.start_message()?;
        self.reply(&Reply::bare(354, vec!["Send the message, end it with a line of one dot".to_owned()]));
        self.mode = Mode::Data(DotReader::default());
        Ok(())
    }

    fn start_message(&mut self) -> Result<(), Reply> {
        match std::mem::replace(&mut self.transaction, Transaction::Body(ContentScan::default())) {
            Transaction::Open(envelope) if !envelope.recipients.is_empty() => {
                self.events.push_back(Event::MessageStart(envelope));
                Ok(())
            }
            other => {
                let reply = match &other {
                    Transaction::None => Reply::new(503, (5, 5, 1), "Send MAIL first"),
                    Transaction::Open(_) => Reply::new(554, (5, 5, 1), "No valid recipients"),
                    Transaction::Body(_) => Reply::new(503, (5, 5, 1), "The message has already begun"),
                };
                self.transaction = other;
                Err(reply)
            }
        }
    }

    pub(super) fn read_data(&mut self) -> bool {
        let (Mode::Data(reader), Transaction::Body(content)) = (&mut self.mode, &mut self.transaction) else {
            return false;
        };
        let input = self.input.rest();
        if input.is_empty() {
            return false;
        }
        let mut octets = Vec::with_capacity(input.len());
        let progress = reader.read(input, &mut octets);
        let used = match progress {
            Progress::More => input.len(),
            Progress::Ended(used) => {
                self.mode = Mode::MessageComplete;
                used
            }
        };
        content.scan(&octets, &self.config.limits);
        if !octets.is_empty() && !content.is_refused() {
            self.events.push_back(Event::DataChunk(octets));
        }
        self.input.consume(used);
        true
    }

    pub(super) fn bdat(&mut self, arguments: &str) {
        let Some(bdat) = command::bdat(arguments) else {
            self.flush = true;
            self.refuse(&Reply::new(501, (5, 5, 4), "Syntax: BDAT size [LAST]"));
            return self.close_after_bdat();
        };
        let ready = self.in_order(Verb::Bdat).and_then(|()| match (bdat.end, &self.transaction) {
            (BdatEnd::Malformed, _) => Err(Reply::new(501, (5, 5, 4), "Syntax: BDAT size [LAST]")),
            (_, Transaction::Body(_)) => Ok(()),
            (_, _) => self.start_message(),
        });
        self.mode =
            Mode::Chunk(Chunk { size: bdat.size, remaining: bdat.size, end: bdat.end, refused: ready.err() });
    }

    pub(super) fn read_chunk(&mut self) -> bool {
        let Mode::Chunk(chunk) = &mut self.mode else { return false };
        if chunk.remaining == 0 {
            return self.finish_chunk();
        }
        let input = self.input.rest();
        if input.is_empty() {
            return false;
        }
        let count = usize::try_from(chunk.remaining).unwrap_or(usize::MAX).min(input.len());
        chunk.remaining -= count as u64;
        if let (None, Transaction::Body(content)) = (&chunk.refused, &mut self.transaction) {
            let octets = &input[..count];
            content.scan(octets, &self.config.limits);
            if !content.is_refused() {
                self.events.push_back(Event::DataChunk(octets.to_vec()));
            }
        }
        self.input.consume(count);
        true
    }

    fn finish_chunk(&mut self) -> bool {
        let Mode::Chunk(chunk) = std::mem::replace(&mut self.mode, Mode::Command) else { return false };
        if let Some(reply) = chunk.refused {
            // RFC 3030 §2: after a failed chunk the transaction has failed.
            self.refuse_message(reply.clone());
            self.refuse(&reply);
            return true;
        }
        if chunk.end == BdatEnd::Last {
            self.mode = Mode::MessageComplete;
            return true;
        }
        let refusal = match &self.transaction {
            Transaction::Body(content) => content.refusal().cloned(),
            Transaction::None | Transaction::Open(_) => None,
        };
        match refusal {
            Some(reply) => self.refuse(&reply),
            None => self.reply(&Reply::new(250, (2, 0, 0), format!("{} octets received", chunk.size))),
        }
        true
    }

    /// The last octet is here and the driver has had it.
    pub(super) fn finish_message(&mut self) -> bool {
        self.mode = Mode::Command;
        self.flush = true;
        let Transaction::Body(content) = &mut self.transaction else { return true };
        match content.finish() {
            Ok(facts) => {
                self.mode = Mode::MessageResult;
                self.events.push_back(Event::MessageEnd(facts));
            }
            Err(reply) => {
                self.drop_transaction();
                self.refuse(&reply);
            }
        }
        true
    }
}
