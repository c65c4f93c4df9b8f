-- What a message itself asks of its way: REQUIRETLS besides `TLS-Required: No` (RFC 8689).
ALTER TABLE message ADD COLUMN wish TEXT NOT NULL DEFAULT 'none';          -- word: guarantee::Wish
UPDATE message SET wish = 'tlsoptional' WHERE tls_required_no;
ALTER TABLE message DROP COLUMN tls_required_no;

ALTER TABLE account ADD COLUMN level TEXT NOT NULL DEFAULT 'encrypted';    -- word: guarantee::Level

-- What mail has met at MX hosts, for each account by itself: guarantee::Remembered.
CREATE TABLE memory (
    id                 INTEGER PRIMARY KEY,
    account_id         INTEGER REFERENCES account ON DELETE CASCADE,       -- NULL: nobody's, such as a report's
    domain             TEXT    NOT NULL,                                   -- A-labels, in lower case
    host               TEXT    NOT NULL,                                   -- the MX host's name, in lower case
    best               TEXT    NOT NULL,                                   -- word: guarantee::Protection
    first_tls          INTEGER NOT NULL,
    last_tls           INTEGER NOT NULL,
    last_authenticated INTEGER,
    count              INTEGER NOT NULL,
    tls                TEXT    NOT NULL                                    -- JSON: guarantee::TlsDetails
) STRICT;
-- No account has the id 0. The domain comes first: the line watch and the operator ask by it.
CREATE UNIQUE INDEX memory_key ON memory (domain, host, ifnull(account_id, 0));
CREATE INDEX memory_account ON memory (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX memory_age ON memory (last_tls);

-- MTA-STS policies: they must outlive a restart (RFC 8461 §10.2).
CREATE TABLE sts_policy (
    domain     TEXT    PRIMARY KEY,
    policy     TEXT    NOT NULL,                                           -- JSON: guarantee::StsPolicy
    fetched_at INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL                                            -- fetched_at and its max_age
) STRICT, WITHOUT ROWID;
CREATE INDEX sts_policy_fetched ON sts_policy (fetched_at);
CREATE INDEX sts_policy_end ON sts_policy (ends_at);

-- TLS reports (RFC 8460): one for each domain and day, with what was met under each policy.
CREATE TABLE tls_report (
    id          INTEGER PRIMARY KEY,
    day         TEXT    NOT NULL,                                          -- 2026-11-24, in UTC
    domain      TEXT    NOT NULL,
    reported_at INTEGER,
    UNIQUE (day, domain)
) STRICT;
CREATE TABLE tls_policy (
    id        INTEGER PRIMARY KEY,
    report    INTEGER NOT NULL REFERENCES tls_report ON DELETE CASCADE,
    policy    TEXT    NOT NULL,                                            -- JSON: guarantee::AppliedPolicy
    successes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (report, policy)
) STRICT;
CREATE TABLE tls_failure (
    policy INTEGER NOT NULL REFERENCES tls_policy ON DELETE CASCADE,
    result TEXT    NOT NULL,                                               -- word: guarantee::ResultType
    host   TEXT    NOT NULL,                                               -- JSON: Option<guarantee::HostAddress>
    detail TEXT    NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (policy, result, host, detail)
) STRICT, WITHOUT ROWID;
