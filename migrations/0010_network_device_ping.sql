-- Whether the agent sends echo requests to a device beside what its driver measures.

ALTER TABLE network_device ADD COLUMN ping BOOLEAN NOT NULL DEFAULT true;
