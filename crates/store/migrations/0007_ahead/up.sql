-- What users see on their account page, and what is watched for them.

-- Overrides are shown for a while after they have ended.
DROP INDEX override_expiry;
CREATE INDEX override_age ON override (recorded_at);

-- What became of an account's mail, by recipients, one row a week.
CREATE TABLE week (
    account_id  INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    monday      TEXT    NOT NULL,                 -- 2026-11-23, in UTC
    protected   INTEGER NOT NULL DEFAULT 0,
    unprotected INTEGER NOT NULL DEFAULT 0,
    stopped     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, monday)
) STRICT, WITHOUT ROWID;
CREATE INDEX week_age ON week (monday);

-- Targets of permanent forwardings whose way is watched.
CREATE TABLE forwarding (
    account_id   INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    id           INTEGER NOT NULL,
    address      TEXT    NOT NULL,                -- as it was written
    key          TEXT    NOT NULL,                -- as it is compared: in lower case, the domain in A-labels
    created_at   INTEGER NOT NULL,
    protection   TEXT,                            -- word: guarantee::Protection, when last known
    seen_at      INTEGER,                         -- when that was
    next_look_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, id),
    UNIQUE (account_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX forwarding_due ON forwarding (next_look_at);
-- the newest forwarding's id, like last_exception
ALTER TABLE account ADD COLUMN last_forwarding INTEGER NOT NULL DEFAULT 0;
