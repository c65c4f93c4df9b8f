-- Which message took this one's stead for this recipient: it may have gone to some of the stopped ones only.
ALTER TABLE recipient ADD COLUMN replaced_by TEXT; -- its queue id
UPDATE recipient SET replaced_by = (SELECT stop.replaced_by FROM stop WHERE stop.message = recipient.message)
WHERE message IN (SELECT message FROM stop WHERE replaced_by IS NOT NULL);
