-- What applications there are: packages, the applications kept of them, their releases, categories and policies.

-- What an operating system knows an application by. Newer commands of a device take the place of older ones of the same
-- package, whichever application and release brought them.
CREATE TABLE packages (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id bigint NOT NULL REFERENCES tenants,
    -- 1 Android, 2 iOS.
    platform  smallint NOT NULL CHECK (platform IN (1, 2)),
    -- An application of the store is known by id and its number there.
    name      text NOT NULL CHECK (name <> ''),
    UNIQUE (tenant_id, platform, name)
);

CREATE TABLE applications (
    id              bigint GENERATED ALWAYS AS IDENTITY (START WITH 101) PRIMARY KEY,
    tenant_id       bigint NOT NULL REFERENCES tenants,
    -- Whose it is: who administers this organisation may change it, who belongs to it or below may see it.
    organisation_id bigint NOT NULL REFERENCES organisations,
    package_id      bigint NOT NULL REFERENCES packages,
    -- 1 enterprise, 2 public.
    type            smallint NOT NULL CHECK (type IN (1, 2)),
    -- 0 normal, 2 container, 3 built-in.
    domain_type     smallint NOT NULL DEFAULT 0 CHECK (domain_type IN (0, 2, 3)),
    name            text NOT NULL CHECK (name <> ''),
    company         text NOT NULL DEFAULT '',
    description     text NOT NULL DEFAULT '',
    price           text,
    -- Of an application of the store.
    itunes_store_id bigint,
    -- The lowest version of the operating system, as an operator or the package says.
    os_version      text NOT NULL DEFAULT '',
    -- Kinds of iOS devices it is for: 20 iPhone, 21 iPad, 22 iPad mini, 23 iTouch. Empty for Android.
    model_types     smallint[] NOT NULL DEFAULT '{}',
    -- What devices are given now.
    release_id      bigint,
    created_by      text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    -- Since when its devices are being told to remove it.
    removing_at     timestamptz,
    -- Jobs that ended still name it, so a removed one is hidden; its files go.
    deleted_at      timestamptz
);
CREATE INDEX applications_tenant_idx ON applications (tenant_id, id) WHERE deleted_at IS NULL;
CREATE INDEX applications_package_idx ON applications (package_id, id) WHERE deleted_at IS NULL;
-- What the timekeeper looks at: few.
CREATE INDEX applications_removing_idx ON applications (id) WHERE removing_at IS NOT NULL AND deleted_at IS NULL;

-- A release never changes; replacing an application makes a new one.
CREATE TABLE app_releases (
    id             bigint GENERATED ALWAYS AS IDENTITY (START WITH 1001) PRIMARY KEY,
    application_id bigint NOT NULL REFERENCES applications,
    -- NULL for an application of the store, and when the application was removed.
    file_id        uuid REFERENCES files,
    icon_id        uuid REFERENCES files,
    file_name      text,
    version_name   text NOT NULL DEFAULT '',
    -- As the package says; of iOS it need not be a number.
    version_code   text NOT NULL DEFAULT '',
    -- The same as a number that grows, 0 when it is none.
    version_number bigint NOT NULL DEFAULT 0 CHECK (version_number >= 0),
    size_bytes     bigint NOT NULL DEFAULT 0,
    min_os_version text NOT NULL DEFAULT '',
    -- v1,v2,v3 of Android; the kind of provisioning profile of iOS.
    signature      text NOT NULL DEFAULT '',
    -- Of an application of the store: where it is.
    source_url     text,
    created_by     text NOT NULL DEFAULT '',
    created_at     timestamptz NOT NULL DEFAULT now(),
    CHECK (source_url IS NULL OR file_id IS NULL)
);
CREATE INDEX app_releases_application_idx ON app_releases (application_id, id);
-- Whether a file is named.
CREATE INDEX app_releases_file_idx ON app_releases (file_id) WHERE file_id IS NOT NULL;
CREATE INDEX app_releases_icon_idx ON app_releases (icon_id) WHERE icon_id IS NOT NULL;
ALTER TABLE applications ADD FOREIGN KEY (release_id) REFERENCES app_releases;

-- A package that was uploaded beside another version of it, until somebody says whether it replaces one or is added.
CREATE TABLE app_uploads (
    id              uuid PRIMARY KEY,
    tenant_id       bigint NOT NULL REFERENCES tenants,
    organisation_id bigint NOT NULL REFERENCES organisations,
    operator_id     bigint NOT NULL REFERENCES operators,
    file_id         uuid NOT NULL REFERENCES files,
    icon_id         uuid REFERENCES files,
    -- What was read of the package and said with it.
    facts           jsonb NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX app_uploads_file_idx ON app_uploads (file_id);
CREATE INDEX app_uploads_icon_idx ON app_uploads (icon_id) WHERE icon_id IS NOT NULL;
-- The sweep.
CREATE INDEX app_uploads_created_idx ON app_uploads (created_at);

-- What the document calls application labels.
CREATE TABLE app_categories (
    id              bigint GENERATED ALWAYS AS IDENTITY (START WITH 101) PRIMARY KEY,
    tenant_id       bigint NOT NULL REFERENCES tenants,
    organisation_id bigint NOT NULL REFERENCES organisations,
    name            text NOT NULL CHECK (name <> ''),
    description     text NOT NULL DEFAULT '',
    created_by      text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT app_categories_name UNIQUE (tenant_id, name)
);

CREATE TABLE app_category_members (
    category_id    bigint NOT NULL REFERENCES app_categories,
    application_id bigint NOT NULL REFERENCES applications,
    PRIMARY KEY (category_id, application_id)
);
CREATE INDEX app_category_members_application_idx ON app_category_members (application_id);

-- Settings that travel with an application; built-in ones need some.
CREATE TABLE app_policies (
    id              bigint GENERATED ALWAYS AS IDENTITY (START WITH 101) PRIMARY KEY,
    tenant_id       bigint NOT NULL REFERENCES tenants,
    organisation_id bigint NOT NULL REFERENCES organisations,
    name            text NOT NULL CHECK (name <> ''),
    -- The domain type of the applications that it is for.
    domain_type     smallint NOT NULL CHECK (domain_type IN (0, 2, 3)),
    is_enabled      boolean NOT NULL DEFAULT true,
    settings        jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
    created_by      text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT app_policies_name UNIQUE (tenant_id, name)
);
