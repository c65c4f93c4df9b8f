-- Times are microseconds since 1970-01-01 UTC. Cells marked JSON hold the serde form of the named type;
-- words (states, origins, requirements) are the serde names of their enum's variants.

CREATE TABLE account (
    -- never given twice: what a removed account leaves behind belongs to nobody who comes later
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    address       TEXT    NOT NULL,               -- as it was spelt when added
    folded        TEXT    NOT NULL UNIQUE,        -- in lower case: accounts compare without case
    password_hash TEXT    NOT NULL,               -- PHC string
    created_at    INTEGER NOT NULL,
    switch        TEXT    NOT NULL,               -- JSON: guarantee::Switch
    was_on        INTEGER NOT NULL DEFAULT 0,
    last_entry    INTEGER NOT NULL DEFAULT 0      -- the newest mailbox entry's id; counted per account, so that no id tells of others' mail
) STRICT;

CREATE TABLE session (
    token_hash BLOB    PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_account ON session (account_id);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE override (
    account_id  INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    message_id  TEXT    NOT NULL,                 -- Message-ID without <>
    recipient   TEXT    NOT NULL,                 -- in lower case
    recorded_at INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_by     TEXT,                             -- the queue id of the message it was used for
    PRIMARY KEY (account_id, message_id, recipient)
) STRICT, WITHOUT ROWID;
CREATE INDEX override_expiry ON override (expires_at);

CREATE TABLE message (
    id              INTEGER PRIMARY KEY,
    queue_id        TEXT    NOT NULL UNIQUE,
    origin          TEXT    NOT NULL,             -- word: guarantee::Origin
    account_id      INTEGER REFERENCES account ON DELETE SET NULL,
    reverse_path    TEXT,                         -- NULL: the null reverse-path
    ret             TEXT,                         -- word: smtp::envelope::Ret
    envid           TEXT,                         -- xtext
    smtputf8        INTEGER NOT NULL,
    eight_bit       INTEGER NOT NULL,
    tls_required_no INTEGER NOT NULL,
    message_id      TEXT,                         -- Message-ID without <>
    subject         TEXT    NOT NULL,
    size            INTEGER NOT NULL,             -- octets of content
    accepted_at     INTEGER NOT NULL,
    finished_at     INTEGER                       -- when nothing was left to deliver or to report
) STRICT;
CREATE INDEX message_account ON message (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX message_finished ON message (finished_at) WHERE finished_at IS NOT NULL;

-- Apart from its message, so that no look at the queue drags bodies along. Deleted when the message is finished.
CREATE TABLE content (
    message INTEGER PRIMARY KEY REFERENCES message ON DELETE CASCADE,
    octets  BLOB NOT NULL
) STRICT;

CREATE TABLE recipient (
    id              INTEGER PRIMARY KEY,
    message         INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
    position        INTEGER NOT NULL,             -- in the order given
    address         TEXT    NOT NULL,
    next_hop        TEXT,                         -- domain in A-labels; NULL: a mailbox of this server
    notify          TEXT    NOT NULL,             -- JSON: smtp::envelope::Notify
    orcpt           TEXT,
    requirement     TEXT    NOT NULL,             -- word: guarantee::Requirement, fixed at acceptance
    state           TEXT    NOT NULL,             -- word: api::RecipientState
    next_attempt_at INTEGER,                      -- set while it waits
    changed_at      INTEGER NOT NULL,
    history         TEXT    NOT NULL,             -- JSON: guarantee::History
    cause           TEXT,                         -- JSON: guarantee::Cause; NULL when bounced: the operator removed it
    evidence        TEXT,                         -- JSON: store::Evidence; NULL when delivered: into a mailbox of this server
    report          TEXT,                         -- word: store::ReportKind, while it is to be reported
    delay_reported  INTEGER NOT NULL DEFAULT 0,
    UNIQUE (message, position),
    CHECK ((next_attempt_at IS NOT NULL) = (state IN ('queued', 'deferred')))
) STRICT;
-- Covers the look for due work, busy next hops being passed over without touching the table.
CREATE INDEX recipient_due ON recipient (next_attempt_at, next_hop, requirement, message) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX recipient_report ON recipient (message) WHERE report IS NOT NULL;

-- One for each message that was stopped for somebody; the stopped recipients are those in state 'stopped'.
CREATE TABLE stop (
    message     INTEGER PRIMARY KEY REFERENCES message ON DELETE CASCADE,
    account_id  INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    recorded_at INTEGER NOT NULL,
    replaced_by TEXT                              -- the queue id of the message sent in its stead
) STRICT;
CREATE INDEX stop_account ON stop (account_id, recorded_at);

CREATE TABLE mailbox_entry (
    account_id  INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    id          INTEGER NOT NULL,
    mailbox     TEXT    NOT NULL,                 -- 'INBOX' or 'Sent'
    message_id  TEXT,                             -- Message-ID without <>
    sender      TEXT    NOT NULL,
    recipients  TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    date        INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    seen        INTEGER NOT NULL DEFAULT 0,
    raw         BLOB    NOT NULL,                 -- last, so that a list reads no bodies
    PRIMARY KEY (account_id, id)
) STRICT;
CREATE INDEX mailbox_order ON mailbox_entry (account_id, mailbox, received_at, id);
