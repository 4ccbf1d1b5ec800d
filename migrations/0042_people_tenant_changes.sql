-- Changes that drop sessions of subscribers who pass: how many an hour and site pass without a person, and how fast.

ALTER TABLE people_tenant ADD COLUMN change_brake_floor BIGINT NOT NULL DEFAULT 20;
ALTER TABLE people_tenant ADD COLUMN change_brake_basis_points BIGINT NOT NULL DEFAULT 1000;
ALTER TABLE people_tenant ADD COLUMN changes_per_minute BIGINT NOT NULL DEFAULT 300;
