-- Client upgrades: uploaded files, client groups and their versions, and the jobs that publish and distribute them.

-- A file's bytes are kept once a tenant, whoever uploads them how often: its hash finds it, and it never changes.
CREATE TABLE files (
    id           uuid PRIMARY KEY,
    tenant_id    bigint NOT NULL REFERENCES tenants,
    sha256       text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    md5          text NOT NULL CHECK (md5 ~ '^[0-9a-f]{32}$'),
    size_bytes   bigint NOT NULL CHECK (size_bytes > 0),
    -- The name it was uploaded under first.
    file_name    text NOT NULL CHECK (file_name <> ''),
    object_path  text NOT NULL UNIQUE,
    created_by   text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    -- When it was uploaded last: a file that nothing names is taken away some time after.
    uploaded_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, sha256)
);

-- One client program for one operating system; its versions follow each other.
CREATE TABLE client_groups (
    id              bigint GENERATED ALWAYS AS IDENTITY (START WITH 101) PRIMARY KEY,
    tenant_id       bigint NOT NULL REFERENCES tenants,
    -- Whose it is: who administers this organisation may change it, who belongs to it or below may see it.
    organisation_id bigint NOT NULL REFERENCES organisations,
    name            text NOT NULL CHECK (name <> ''),
    group_code      text NOT NULL CHECK (group_code <> ''),
    -- 0 direct terminal, 1 extended terminal.
    terminal_class  text NOT NULL CHECK (terminal_class IN ('0', '1')),
    -- Up to five labels with commas between them.
    ui_family       text NOT NULL DEFAULT '',
    os              integer NOT NULL CHECK (os IN (51201, 51202, 51203, 51205)),
    -- What the QR code downloads; NULL when none was chosen.
    qr_version_id   bigint,
    -- 128 random bits in the address that the QR code holds: it is printed on walls, so it does not expire.
    download_key    text NOT NULL UNIQUE,
    created_by      text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, group_code)
);

CREATE TABLE client_versions (
    id           bigint GENERATED ALWAYS AS IDENTITY (START WITH 1001) PRIMARY KEY,
    tenant_id    bigint NOT NULL REFERENCES tenants,
    group_id     bigint NOT NULL REFERENCES client_groups,
    file_id      uuid NOT NULL REFERENCES files,
    icon_id      uuid REFERENCES files,
    package_name text NOT NULL CHECK (package_name <> ''),
    -- The name of the file, as the document has it.
    app_name     text NOT NULL CHECK (app_name <> ''),
    version_code integer NOT NULL CHECK (version_code > 0),
    version_name text NOT NULL CHECK (version_name <> ''),
    update_info  text NOT NULL DEFAULT '',
    remark       text NOT NULL DEFAULT '',
    created_by   text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    -- When it was withdrawn for good.
    void_at      timestamptz
);
-- A void version's code may be used again.
CREATE UNIQUE INDEX client_versions_code_idx ON client_versions (group_id, version_code) WHERE void_at IS NULL;
CREATE INDEX client_versions_group_idx ON client_versions (group_id, id);
-- Whether a file is named.
CREATE INDEX client_versions_file_idx ON client_versions (file_id);
CREATE INDEX client_versions_icon_idx ON client_versions (icon_id) WHERE icon_id IS NOT NULL;
-- The old check asks by package.
CREATE INDEX client_versions_package_idx ON client_versions (tenant_id, package_name, version_code) WHERE void_at IS NULL;

ALTER TABLE client_groups ADD FOREIGN KEY (qr_version_id) REFERENCES client_versions;

-- What devices said that they run, of what Drover brings them.
CREATE TABLE device_apps (
    device_id    bigint NOT NULL,
    package_name text NOT NULL,
    version_code bigint NOT NULL,
    version_name text NOT NULL DEFAULT '',
    seen_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (device_id, package_name)
-- Versions change in place; no changing column is indexed.
) WITH (fillfactor = 70);

-- A publication is a job that makes a version visible for as long as it runs: it has no commands. A distribution is a job
-- that rests on a publication and brings its version to an organisation's devices.
ALTER TABLE jobs
    ALTER COLUMN product_id DROP NOT NULL,
    ALTER COLUMN firmware_id DROP NOT NULL,
    ADD COLUMN client_version_id bigint REFERENCES client_versions,
    -- Newer commands of a device take the place of older ones of the same line.
    ADD COLUMN client_group_id bigint REFERENCES client_groups,
    ADD COLUMN publication_id bigint REFERENCES jobs,
    ADD COLUMN operator_id bigint REFERENCES operators,
    -- For which organisation the operator acted.
    ADD COLUMN organisation_id bigint REFERENCES organisations,
    -- Whether the user of a device may not put it off.
    ADD COLUMN force boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT jobs_firmware CHECK ((kind = 'firmware') = (firmware_id IS NOT NULL AND product_id IS NOT NULL)),
    ADD CONSTRAINT jobs_client CHECK ((kind IN ('publish', 'distribute')) =
        (client_version_id IS NOT NULL AND client_group_id IS NOT NULL AND organisation_id IS NOT NULL)),
    ADD CONSTRAINT jobs_publication CHECK ((kind = 'distribute') = (publication_id IS NOT NULL));
-- A version's logs.
CREATE INDEX jobs_version_idx ON jobs (client_version_id, kind, id) WHERE client_version_id IS NOT NULL;
CREATE INDEX jobs_publication_idx ON jobs (publication_id) WHERE publication_id IS NOT NULL;
-- What the timekeeper looks at each tick: publications run long and end by the clock alone, so they are kept apart.
CREATE INDEX jobs_working_idx ON jobs (id) WHERE state = 'running' AND kind <> 'publish';
CREATE INDEX jobs_offered_idx ON jobs (expires_at) WHERE state = 'running' AND kind = 'publish';

-- Organisations as audience: each with everything below it.
ALTER TABLE audiences
    DROP CONSTRAINT audiences_kind_check,
    ADD COLUMN organisation_id bigint REFERENCES organisations,
    -- The organisation of the subtree whose devices are being planned, up to planned_to.
    ADD COLUMN planned_organisation_id bigint,
    -- When this part of a publication ends; NULL: with the job.
    ADD COLUMN expires_at timestamptz,
    ADD CONSTRAINT audiences_kind CHECK (kind IN ('devices', 'product', 'organisation')),
    ADD CONSTRAINT audiences_organisation CHECK ((kind = 'organisation') = (organisation_id IS NOT NULL));
-- Which publications reach an organisation.
CREATE INDEX audiences_organisation_idx ON audiences (organisation_id, job_id) WHERE organisation_id IS NOT NULL;
