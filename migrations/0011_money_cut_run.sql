-- Why a service of a cut run could not be decided, in words.

ALTER TABLE money_cut_run_item ADD COLUMN failure TEXT;
