-- Who there is: tenants, their products, devices, credentials and firmware files.

CREATE TABLE tenants (
    id         bigint GENERATED ALWAYS AS IDENTITY (START WITH 10000001) PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE products (
    id                bigint GENERATED ALWAYS AS IDENTITY (START WITH 10000001) PRIMARY KEY,
    tenant_id         bigint NOT NULL REFERENCES tenants,
    name              text NOT NULL CHECK (name <> ''),
    protocol          text NOT NULL CHECK (protocol IN ('tlink', 'mqtt', 'lwm2m')),
    -- The master key is 128 random bits, so a plain hash verifies it without being guessable.
    master_key_sha256 bytea NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, name)
);

CREATE TABLE devices (
    -- Below 2^28: the device's part of a command id, see CommandId.
    id               bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 268435455) PRIMARY KEY,
    tenant_id        bigint NOT NULL REFERENCES tenants,
    product_id       bigint NOT NULL REFERENCES products,
    -- What the device calls itself: its MQTT user name and part of its topics, hence the narrow alphabet.
    uuid             text NOT NULL UNIQUE CHECK (uuid ~ '^[A-Za-z0-9_-]{1,64}$'),
    name             text NOT NULL DEFAULT '',
    sn               text NOT NULL DEFAULT '',
    imei             text NOT NULL DEFAULT '',
    group_uuid       text NOT NULL DEFAULT '',
    channel          text NOT NULL DEFAULT 'mqtt' CHECK (channel IN ('mqtt', 'simulated')),
    status           text NOT NULL DEFAULT 'registered' CHECK (status IN ('registered', 'activated', 'deregistered')),
    -- The last time the device was heard of, and the last time it was known to have left.
    online_at        timestamptz,
    offline_at       timestamptz,
    firmware_version text NOT NULL DEFAULT '',
    created_at       timestamptz NOT NULL DEFAULT now()
-- A successful upgrade changes version and contact, neither of them indexed: room for the new row beside the old.
) WITH (fillfactor = 70);
-- Walks a product's devices in the order that the planner and every list use.
CREATE INDEX devices_product_idx ON devices (product_id, id);
-- The exact searches of the device list.
CREATE INDEX devices_name_idx ON devices (product_id, name) WHERE name <> '';
CREATE INDEX devices_sn_idx ON devices (product_id, sn) WHERE sn <> '';
CREATE INDEX devices_imei_idx ON devices (product_id, imei) WHERE imei <> '';
CREATE INDEX devices_group_idx ON devices (product_id, group_uuid, id) WHERE group_uuid <> '';

CREATE TABLE credentials (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id     bigint NOT NULL REFERENCES tenants,
    kind          text NOT NULL CHECK (kind IN ('aep', 'token', 'top', 'device')),
    -- What the caller shows: an app key, the name of a token, or the device's uuid.
    key_id        text NOT NULL CHECK (key_id <> ''),
    device_id     bigint REFERENCES devices,
    -- Callers that sign need their secret here to be checked against: sealed with the installation's key.
    sealed_secret bytea,
    -- Callers that show their secret need its hash only; 256 random bits need no slow one.
    secret_sha256 bytea,
    created_at    timestamptz NOT NULL DEFAULT now(),
    revoked_at    timestamptz,
    UNIQUE (kind, key_id),
    CHECK ((kind IN ('aep', 'top')) = (sealed_secret IS NOT NULL)),
    CHECK ((kind IN ('token', 'device')) = (secret_sha256 IS NOT NULL)),
    CHECK ((kind = 'device') = (device_id IS NOT NULL))
);

CREATE TABLE firmwares (
    id           bigint GENERATED ALWAYS AS IDENTITY (START WITH 1001) PRIMARY KEY,
    tenant_id    bigint NOT NULL REFERENCES tenants,
    product_id   bigint NOT NULL REFERENCES products,
    name         text NOT NULL CHECK (name <> ''),
    version      text NOT NULL CHECK (version <> ''),
    description  text NOT NULL DEFAULT '',
    file_name    text NOT NULL CHECK (file_name <> ''),
    -- Where the object store keeps the bytes; the row is written after they are whole.
    object_path  text NOT NULL UNIQUE,
    size_bytes   bigint NOT NULL CHECK (size_bytes > 0),
    sha256       text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    md5          text NOT NULL CHECK (md5 ~ '^[0-9a-f]{32}$'),
    upgrade_plan smallint NOT NULL DEFAULT 1,
    created_by   text NOT NULL DEFAULT '',
    updated_by   text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    -- Jobs that ended still name their firmware, so a deleted one is hidden, not gone.
    deleted_at   timestamptz
);
CREATE INDEX firmwares_product_idx ON firmwares (product_id, id) WHERE deleted_at IS NULL;
