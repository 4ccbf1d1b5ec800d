-- A person recognised the row on the device as the subscriber's: it gets our marker and counts as ours.

ALTER TABLE network_attachment ADD COLUMN adopt BOOLEAN NOT NULL DEFAULT false;
