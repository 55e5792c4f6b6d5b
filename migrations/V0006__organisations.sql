-- Who works with the fleet, and how it is divided: organisations as a tree, operators, users, groups and labels.

-- Texts of the form yyyy-MM-dd HH:mm:ss are in their tenant's time; the documents' vendors are in China, which has one.
ALTER TABLE tenants ADD COLUMN utc_offset_minutes smallint NOT NULL DEFAULT 480
    CHECK (utc_offset_minutes BETWEEN -840 AND 840);

CREATE TABLE organisations (
    id         bigint GENERATED ALWAYS AS IDENTITY (START WITH 101) PRIMARY KEY,
    tenant_id  bigint NOT NULL REFERENCES tenants,
    -- NULL: the tenant's root, of which there is one.
    parent_id  bigint REFERENCES organisations,
    -- What callers name it by.
    code       text NOT NULL CHECK (code <> ''),
    name       text NOT NULL CHECK (name <> ''),
    -- The ids from the root to itself, as /101/107/: a subtree is a range of paths, and the next character after the slash is
    -- the 0, so that what begins with /101/ lies from /101/ up to /1010.
    path       text COLLATE "C" NOT NULL CHECK (path ~ '^(/[0-9]+)+/$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, code),
    UNIQUE (tenant_id, path)
);
CREATE UNIQUE INDEX organisations_root_idx ON organisations (tenant_id) WHERE parent_id IS NULL;
CREATE INDEX organisations_parent_idx ON organisations (parent_id, id) WHERE parent_id IS NOT NULL;

-- Every tenant there is gets its root; the program makes those of the tenants to come.
WITH given AS (
    SELECT id AS tenant_id, name, nextval(pg_get_serial_sequence('organisations', 'id')) AS id FROM tenants
)
INSERT INTO organisations (id, tenant_id, code, name, path) OVERRIDING SYSTEM VALUE
    SELECT id, tenant_id, 'root', name, '/' || id || '/' FROM given;

-- Who calls the MDM, application and admin APIs.
CREATE TABLE operators (
    id              bigint GENERATED ALWAYS AS IDENTITY (START WITH 101) PRIMARY KEY,
    tenant_id       bigint NOT NULL REFERENCES tenants,
    -- What the operator may see and target: this organisation and everything below it.
    organisation_id bigint NOT NULL REFERENCES organisations,
    login_id        text NOT NULL CHECK (login_id <> ''),
    name            text NOT NULL CHECK (name <> ''),
    role            text NOT NULL CHECK (role IN ('tenant_admin', 'org_admin', 'read_only')),
    -- Argon2id, in the PHC string format.
    password_hash   text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    disabled_at     timestamptz,
    UNIQUE (tenant_id, login_id)
);

-- 256 random bits each, so a plain hash recognises them.
CREATE TABLE access_tokens (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    operator_id  bigint NOT NULL REFERENCES operators,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz
);
CREATE INDEX access_tokens_operator_idx ON access_tokens (operator_id);
-- The sweep.
CREATE INDEX access_tokens_expiry_idx ON access_tokens (expires_at);

-- The people who hold devices.
CREATE TABLE users (
    id              bigint GENERATED ALWAYS AS IDENTITY (START WITH 101) PRIMARY KEY,
    tenant_id       bigint NOT NULL REFERENCES tenants,
    organisation_id bigint NOT NULL REFERENCES organisations,
    account         text NOT NULL CHECK (account <> ''),
    name            text NOT NULL DEFAULT '',
    mail            text NOT NULL DEFAULT '',
    phone           text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, account)
);
-- Walks an organisation's users in the order of every list.
CREATE INDEX users_organisation_idx ON users (organisation_id, id);

CREATE TABLE user_groups (
    id              bigint GENERATED ALWAYS AS IDENTITY (START WITH 101) PRIMARY KEY,
    tenant_id       bigint NOT NULL REFERENCES tenants,
    organisation_id bigint NOT NULL REFERENCES organisations,
    name            text NOT NULL CHECK (name <> ''),
    description     text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, name)
);

CREATE TABLE user_group_members (
    group_id bigint NOT NULL REFERENCES user_groups ON DELETE CASCADE,
    user_id  bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX user_group_members_user_idx ON user_group_members (user_id);

CREATE TABLE labels (
    id              bigint GENERATED ALWAYS AS IDENTITY (START WITH 101) PRIMARY KEY,
    tenant_id       bigint NOT NULL REFERENCES tenants,
    organisation_id bigint NOT NULL REFERENCES organisations,
    name            text NOT NULL CHECK (name <> ''),
    description     text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, name)
);

CREATE TABLE label_members (
    label_id bigint NOT NULL REFERENCES labels ON DELETE CASCADE,
    user_id  bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (label_id, user_id)
);
CREATE INDEX label_members_user_idx ON label_members (user_id);

-- A managed device belongs to an organisation and perhaps to a user; it needs no firmware product. One that was enrolled for
-- its firmware alone has no organisation, and no audience of organisations reaches it. Columns without a default rewrite
-- nothing.
ALTER TABLE devices
    ALTER COLUMN product_id DROP NOT NULL,
    ADD COLUMN organisation_id bigint REFERENCES organisations,
    ADD COLUMN user_id bigint REFERENCES users,
    -- 51201 Android, 51202 iOS, 51203 Windows, 51205 Harmony.
    ADD COLUMN os integer CHECK (os IN (51201, 51202, 51203, 51205)),
    -- 10 phone, 11 pad, 20 iPhone, 21 iPad, 22 iPad mini, 23 iTouch.
    ADD COLUMN device_type smallint,
    -- 1 company, 2 employee, 3 other.
    ADD COLUMN relationship smallint CHECK (relationship IN (1, 2, 3)),
    ADD COLUMN device_number text,
    ADD CONSTRAINT devices_belong CHECK (product_id IS NOT NULL OR organisation_id IS NOT NULL);
-- Walks an organisation's devices in the order of the planner and of every list. All columns are NULL when this runs, so it
-- reads the table once and writes nothing.
CREATE INDEX devices_organisation_idx ON devices (organisation_id, id) WHERE organisation_id IS NOT NULL;
CREATE INDEX devices_user_idx ON devices (user_id, id) WHERE user_id IS NOT NULL;
