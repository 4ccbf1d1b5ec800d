-- What an ISP sets further: its logo, the hours in which it cuts, the languages of its people, and words of its own for
-- notices.

-- Blobs of the logo, and of the one for dark pages; NULL: none.
ALTER TABLE people_tenant ADD COLUMN logo TEXT;
ALTER TABLE people_tenant ADD COLUMN logo_dark TEXT;
-- Hours outside of which nobody is cut without a person, `08:00-18:00` by the tenant's clock; empty: at any hour.
ALTER TABLE people_tenant ADD COLUMN cut_hours TEXT NOT NULL DEFAULT '';
-- Languages that its people choose among, separated by commas.
ALTER TABLE people_tenant ADD COLUMN languages TEXT NOT NULL DEFAULT 'es-419,en,pt-BR';

-- Words of its own for a template in a language; where there is no row, ours are sent.
CREATE TABLE people_notice_text (
    tenant_id TEXT NOT NULL,
    template TEXT NOT NULL,
    -- es-419, en, pt-BR
    language TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- Paragraphs with an empty line between them; `{field}` stands for a value.
    text TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, template, language),
    FOREIGN KEY (tenant_id) REFERENCES people_tenant (id)
);
