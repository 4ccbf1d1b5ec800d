-- The words of a thing. With its field in it SQLite reads them from this index; without, it took the primary key for cheaper, which
-- holds all columns but begins with the word, and went through all words of the tenant for each thing that was changed.
DROP INDEX kernel_search_word_subject;
CREATE INDEX kernel_search_word_subject ON kernel_search_word (tenant_id, subject, word, field);
