-- Which stop a message will be sent in the stead of, announced by a page whose webmail submits over SMTP.
CREATE TABLE replacement (
    account_id INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    message_id TEXT    NOT NULL,                  -- Message-ID without <>
    stop       INTEGER NOT NULL REFERENCES stop ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX replacement_stop ON replacement (stop);
CREATE INDEX replacement_expiry ON replacement (expires_at);

-- "What became of the message with this Message-ID?"
DROP INDEX message_account;
CREATE INDEX message_account ON message (account_id, message_id) WHERE account_id IS NOT NULL;
