-- Rows as the first version wrote them, besides its schema.
INSERT INTO account (id, address, folded, password_hash, created_at, switch, was_on, last_entry)
VALUES (1, 'alice@home.example', 'alice@home.example', '$argon2id$', 1795521600000000, '{"state":"on"}', 1, 1),
       (2, 'bob@home.example', 'bob@home.example', '$argon2id$', 1795521600000000,
        '{"state":"paused","until":"2026-11-24T12:30:00Z"}', 1, 0);
INSERT INTO session VALUES (x'0101010101010101010101010101010101010101010101010101010101010101', 1, 1795525200000000);
INSERT INTO override VALUES (1, 'm9@home.example', 'carla@plain.example', 1795521600000000, 1795522200000000, NULL);
INSERT INTO message (id, queue_id, origin, account_id, reverse_path, ret, envid, smtputf8, eight_bit,
                     tls_required_no, message_id, subject, size, accepted_at, finished_at)
VALUES (1, 'm1', 'submission', 1, 'alice@home.example', 'full', 'env', 0, 1, 0, 'm1@home.example', 'Hello', 9,
        1795521600000000, NULL),
       (2, 'm2', 'submission', 1, 'alice@home.example', NULL, NULL, 1, 0, 1, 'm2@home.example', 'Anyway', 4,
        1795521600000000, NULL),
       (3, 'm3', 'report', NULL, NULL, NULL, NULL, 0, 0, 0, NULL, 'Undelivered', 4, 1795521600000000, 1795521601000000);
INSERT INTO content VALUES (1, CAST('Hello' || char(13, 10, 13, 10) AS BLOB)), (2, x'0d0a0d0a');
INSERT INTO recipient (id, message, position, address, next_hop, notify, orcpt, requirement, state, next_attempt_at,
                       changed_at, history, cause, evidence, report, delay_reported)
VALUES (1, 1, 0, 'carla@plain.example', 'plain.example', '"unspecified"', NULL, 'encrypted', 'stopped', NULL,
        1795521605000000, '{"attempts":0,"insecure_since":null,"shaky_since":null,"shaky_tries":0}',
        '{"kind":"no_starttls","host":{"name":"mx.plain.example","address":"127.0.1.2"}}', NULL, 'stopped', 0),
       (2, 1, 1, 'dora@tls.example', 'tls.example', '{"on":{"success":false,"failure":true,"delay":false}}',
        'rfc822;dora@tls.example', 'encrypted', 'delivered', NULL, 1795521605000000,
        '{"attempts":0,"insecure_since":null,"shaky_since":null,"shaky_tries":0}', NULL,
        '{"protection":"encrypted","host":{"name":"mx.tls.example","address":"127.0.1.3"},"tls":{"version":"TLSv1.3","cipher":"TLS_AES_256_GCM_SHA384","certificate_sha256":"00ff"},"reply":"250 2.0.0 taken"}',
        NULL, 0),
       (3, 1, 2, 'e@down.example', 'down.example', '"never"', NULL, 'encrypted', 'deferred', 1795521660000000,
        1795521605000000, '{"attempts":1,"insecure_since":"2026-11-24T12:00:00Z","shaky_since":null,"shaky_tries":0}',
        '{"kind":"unreachable","host":{"name":"mx.down.example","address":"127.0.1.4"},"detail":"connection refused"}',
        NULL, NULL, 0),
       (4, 2, 0, 'carla@plain.example', 'plain.example', '"unspecified"', NULL, 'opportunistic', 'queued',
        1795521600000000, 1795521600000000,
        '{"attempts":0,"insecure_since":null,"shaky_since":null,"shaky_tries":0}', NULL, NULL, NULL, 0);
INSERT INTO stop VALUES (1, 1, 1795521605000000, NULL);
INSERT INTO mailbox_entry (account_id, id, mailbox, message_id, sender, recipients, subject, date, received_at, size, raw)
VALUES (1, 1, 'Sent', 'm1@home.example', 'alice@home.example', 'carla@plain.example', 'Hello', 1795521600000000,
        1795521600000000, 4, x'0d0a0d0a');
PRAGMA user_version = 1;
