-- What users decide about single recipients, messages and kinds of mail.

-- To whom an account's mail leaves even without TLS, until revoked.
CREATE TABLE exception (
    account_id INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    id         INTEGER NOT NULL,
    pattern    TEXT    NOT NULL,                  -- an address or a domain, as it was written
    key        TEXT    NOT NULL,                  -- the same as it is compared: in lower case, the domain in A-labels
    note       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, id),
    UNIQUE (account_id, key)
) STRICT, WITHOUT ROWID;
-- the newest exception's id; counted per account, so that no id tells of others' decisions, and never given twice
ALTER TABLE account ADD COLUMN last_exception INTEGER NOT NULL DEFAULT 0;

ALTER TABLE account ADD COLUMN end_to_end_without_tls INTEGER NOT NULL DEFAULT 0;

-- Messages about to be sent that are for servers alone that prove who they are.
CREATE TABLE demand (
    account_id INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    message_id TEXT    NOT NULL,                  -- Message-ID without <>
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX demand_expiry ON demand (expires_at);
