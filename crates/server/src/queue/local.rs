//! Delivery into the mailboxes here.

use bytes::Bytes;
use guarantee::Cause;
use jiff::Timestamp;
use store::{Job, JobRecipient, LocalDelivery, MailboxMessage, Outcome, RecipientOutcome, StoreError};

use super::runner::RunnerParts;
use crate::listing::listing;

impl RunnerParts {
    /// Puts the job's message into each recipient's INBOX; nothing leaves this machine, so nothing must be encrypted.
    pub(super) async fn deliver_locally(&self, job: &Job) -> Result<(), StoreError> {
        if let Some(lmtp) = &self.local.lmtp {
            return self.deliver_over_lmtp(job, lmtp).await;
        }
        let content = self.store.content(&job.facts.queue_id).await?;
        // RFC 5321 §4.4: final delivery adds the Return-Path.
        let return_path = format!("Return-Path: <{}>\r\n", job.facts.reverse_path.as_str());
        let raw = Bytes::from([return_path.as_bytes(), &content].concat());
        let message = MailboxMessage { listing: listing(&raw), raw };
        for recipient in &job.recipients {
            self.deliver_to_mailbox(job, recipient, message.clone()).await?;
        }
        Ok(())
    }

    async fn deliver_to_mailbox(
        &self,
        job: &Job,
        recipient: &JobRecipient,
        message: MailboxMessage,
    ) -> Result<(), StoreError> {
        let account = self.local.account(&*self.store, &recipient.address).await?;
        let Some(account) = account else { return self.unknown_user(job, recipient).await };
        let delivery = LocalDelivery {
            queue_id: job.facts.queue_id.clone(),
            recipient: recipient.id,
            account: account.clone(),
            message,
            now: Timestamp::now(),
        };
        match self.store.deliver_local(delivery).await {
            Ok(progress) => {
                self.events.publish(&account, api::Event::Mailbox { name: "INBOX".to_owned() });
                self.follow_up(&job.facts.queue_id, progress).await;
                Ok(())
            }
            // Removed between the question and the delivery.
            Err(StoreError::NotFound(_)) => self.unknown_user(job, recipient).await,
            Err(error) => Err(error),
        }
    }

    async fn unknown_user(&self, job: &Job, recipient: &JobRecipient) -> Result<(), StoreError> {
        let cause = Cause::UnknownUser { address: recipient.address.clone() };
        let outcome = RecipientOutcome { recipient: recipient.id, outcome: Outcome::Bounced(cause) };
        self.record(&job.facts.queue_id, vec![outcome]).await
    }
}
