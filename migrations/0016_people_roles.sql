-- Roles that a tenant makes, several roles for a user, of which part a user sees anything, and when a session last proved
-- who is behind it.

CREATE TABLE people_role (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    -- JSON arrays of names of rights; what is denied wins.
    allowed TEXT NOT NULL,
    denied TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name),
    FOREIGN KEY (tenant_id) REFERENCES people_tenant (id)
);

-- Roles of a user beyond the first, which stays in people_user.role: users made before need no row here.
CREATE TABLE people_user_role (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- Word of a built-in role, or id of one of people_role.
    role TEXT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, role),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people_user (tenant_id, id)
);

-- JSON; NULL: everything of the tenant.
ALTER TABLE people_user ADD COLUMN scope TEXT;

-- A session made before proves nothing: dangerous operations ask again.
ALTER TABLE people_session ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0;

-- Sites at which a customer has or had a service. Customers made before are found by people_customer.site_id too.
CREATE TABLE people_customer_site (
    tenant_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    site_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, customer_id, site_id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES people_customer (tenant_id, id),
    FOREIGN KEY (tenant_id, site_id) REFERENCES places_site (tenant_id, id)
);
CREATE INDEX people_customer_site_of_site ON people_customer_site (tenant_id, site_id);
