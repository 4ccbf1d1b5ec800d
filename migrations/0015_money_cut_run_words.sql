-- What a page says of a service on a cut run in its own language: why it was spared before, and the word of a failure.

ALTER TABLE money_cut_run_item ADD COLUMN spared_on TEXT;
ALTER TABLE money_cut_run_item ADD COLUMN failure_code TEXT;
