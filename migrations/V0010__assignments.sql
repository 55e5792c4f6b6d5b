-- What is pushed to whom: black and white lists, assignments as standing wishes, the push jobs that carry them out, and what
-- each device has of it.

CREATE TABLE restrictions (
    id              bigint GENERATED ALWAYS AS IDENTITY (START WITH 101) PRIMARY KEY,
    tenant_id       bigint NOT NULL REFERENCES tenants,
    organisation_id bigint NOT NULL REFERENCES organisations,
    -- 1 white list, 2 black list.
    type            smallint NOT NULL CHECK (type IN (1, 2)),
    -- 1 Android, 2 iOS.
    platform        smallint NOT NULL CHECK (platform IN (1, 2)),
    name            text NOT NULL CHECK (name <> ''),
    description     text NOT NULL DEFAULT '',
    is_enabled      boolean NOT NULL DEFAULT true,
    -- Grows with each change of what devices are told.
    revision        integer NOT NULL DEFAULT 1,
    created_by      text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    removing_at     timestamptz,
    deleted_at      timestamptz
);
-- The name of one that is being removed may be used again.
CREATE UNIQUE INDEX restrictions_name ON restrictions (tenant_id, name) WHERE removing_at IS NULL AND deleted_at IS NULL;
CREATE INDEX restrictions_tenant_idx ON restrictions (tenant_id, id) WHERE deleted_at IS NULL;
CREATE INDEX restrictions_removing_idx ON restrictions (id) WHERE removing_at IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE restriction_apps (
    restriction_id bigint NOT NULL REFERENCES restrictions,
    position       smallint NOT NULL,
    package_name   text NOT NULL CHECK (package_name <> ''),
    app_name       text NOT NULL DEFAULT '',
    PRIMARY KEY (restriction_id, package_name)
);

-- A standing wish: these users' devices are to have an application, or to keep to a list. Who joins later is included.
CREATE TABLE assignments (
    id              bigint GENERATED ALWAYS AS IDENTITY (START WITH 101) PRIMARY KEY,
    tenant_id       bigint NOT NULL REFERENCES tenants,
    application_id  bigint REFERENCES applications,
    restriction_id  bigint REFERENCES restrictions,
    -- For which organisation the operator acted; the default group is that of its users.
    organisation_id bigint NOT NULL REFERENCES organisations,
    operator_id     bigint NOT NULL REFERENCES operators,
    -- Required, or on demand of the device's user.
    is_required     boolean NOT NULL,
    -- Whether the device's user is told.
    is_notified     boolean NOT NULL DEFAULT false,
    -- 1 company, 2 employee, 3 other.
    relationships   smallint[] NOT NULL CHECK (relationships <> '{}' AND relationships <@ '{1,2,3}'),
    -- A device that removes it gets it again.
    is_essential    boolean NOT NULL DEFAULT false,
    -- Whether it is removed from a device that leaves.
    removes_on_exit boolean NOT NULL DEFAULT false,
    into_knox       boolean NOT NULL DEFAULT false,
    wifi_only       boolean NOT NULL DEFAULT false,
    prevents_backup boolean NOT NULL DEFAULT false,
    policy_id       bigint REFERENCES app_policies,
    -- NULL: at once.
    start_at        timestamptz,
    created_by      text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    -- When the last of its targets was taken away.
    ended_at        timestamptz,
    CONSTRAINT assignments_subject CHECK (num_nonnulls(application_id, restriction_id) = 1),
    CONSTRAINT assignments_essential CHECK (NOT is_essential OR is_required),
    CONSTRAINT assignments_start CHECK (start_at IS NULL OR is_required)
);
CREATE INDEX assignments_application_idx ON assignments (application_id, id) WHERE application_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX assignments_restriction_idx ON assignments (restriction_id, id) WHERE restriction_id IS NOT NULL AND ended_at IS NULL;
-- Whether a policy is in use; and those that ended, which forget one that is removed.
CREATE INDEX assignments_policy_idx ON assignments (policy_id) WHERE policy_id IS NOT NULL;

-- Whom an assignment names. Users, groups and labels may be removed; a target that is gone reaches nobody.
CREATE TABLE assignment_targets (
    assignment_id bigint NOT NULL REFERENCES assignments,
    kind          text NOT NULL CHECK (kind IN ('user', 'group', 'label', 'default_group')),
    -- 0 for the default group: users of the assignment's organisation and below who are in no group.
    target_id     bigint NOT NULL,
    PRIMARY KEY (assignment_id, kind, target_id),
    CHECK ((kind = 'default_group') = (target_id = 0))
);
-- What reaches a user.
CREATE INDEX assignment_targets_target_idx ON assignment_targets (kind, target_id, assignment_id);

-- A push carries out an assignment, or takes back what one brought.
ALTER TABLE jobs
    ADD COLUMN push_action text CHECK (push_action IN ('install', 'uninstall', 'apply', 'remove')),
    ADD COLUMN application_id bigint REFERENCES applications,
    -- What an install brings.
    ADD COLUMN release_id bigint REFERENCES app_releases,
    -- Newer commands of a device take the place of older ones of the same package.
    ADD COLUMN package_id bigint REFERENCES packages,
    ADD COLUMN restriction_id bigint REFERENCES restrictions,
    -- The revision that an apply brings.
    ADD COLUMN restriction_revision integer,
    ADD COLUMN assignment_id bigint REFERENCES assignments,
    ADD CONSTRAINT jobs_push CHECK ((kind = 'push') = (push_action IS NOT NULL)),
    ADD CONSTRAINT jobs_push_application CHECK ((push_action IN ('install', 'uninstall')) IS TRUE
        = (application_id IS NOT NULL AND package_id IS NOT NULL)),
    ADD CONSTRAINT jobs_push_release CHECK ((push_action = 'install') IS TRUE = (release_id IS NOT NULL)),
    ADD CONSTRAINT jobs_push_restriction CHECK ((push_action IN ('apply', 'remove')) IS TRUE = (restriction_id IS NOT NULL)),
    ADD CONSTRAINT jobs_push_revision CHECK ((push_action = 'apply') IS TRUE = (restriction_revision IS NOT NULL)),
    ADD CONSTRAINT jobs_push_assignment CHECK ((push_action IN ('install', 'apply')) IS TRUE = (assignment_id IS NOT NULL));
CREATE INDEX jobs_application_idx ON jobs (application_id, id) WHERE application_id IS NOT NULL;
CREATE INDEX jobs_restriction_idx ON jobs (restriction_id, id) WHERE restriction_id IS NOT NULL;
CREATE INDEX jobs_assignment_idx ON jobs (assignment_id, id) WHERE assignment_id IS NOT NULL;

-- Users, groups and labels as audience, walked by user and device; and whoever has what the job is about, by device.
ALTER TABLE audiences
    DROP CONSTRAINT audiences_kind,
    ADD COLUMN user_ids bigint[],
    ADD COLUMN group_ids bigint[],
    ADD COLUMN label_ids bigint[],
    -- Users of this organisation and below who are in no group.
    ADD COLUMN default_group_of bigint REFERENCES organisations,
    -- The user whose devices are being planned, up to planned_to.
    ADD COLUMN planned_user_id bigint,
    ADD CONSTRAINT audiences_kind CHECK (kind IN ('devices', 'product', 'organisation', 'users', 'holders')),
    ADD CONSTRAINT audiences_users CHECK ((kind = 'users')
        = (user_ids IS NOT NULL AND group_ids IS NOT NULL AND label_ids IS NOT NULL)),
    ADD CONSTRAINT audiences_default_group CHECK (default_group_of IS NULL OR kind = 'users');

-- What a device has, or is to have, of an application: the newest push of it that the device was planned for, and what is
-- known to be installed. Written with the command, and by what the device reports.
CREATE TABLE app_installs (
    application_id   bigint NOT NULL,
    device_id        bigint NOT NULL,
    -- The newest push, whose command says how far it came.
    job_id           bigint NOT NULL,
    is_installed     boolean NOT NULL DEFAULT false,
    installed_number bigint NOT NULL DEFAULT 0,
    installed_name   text NOT NULL DEFAULT '',
    -- When the device was found without what it had installed, and nobody here had told it to remove it.
    removed_at       timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (application_id, device_id)
-- No changing column is indexed.
) WITH (fillfactor = 70);
CREATE INDEX app_installs_device_idx ON app_installs (device_id, application_id);

-- Devices an application was pushed to and devices that have it, kept by those who write app_installs, over shards; the truth
-- is the sum over the shards.
CREATE TABLE app_tallies (
    application_id bigint NOT NULL,
    shard          smallint NOT NULL,
    pushed         bigint NOT NULL DEFAULT 0,
    installed      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (application_id, shard)
) WITH (fillfactor = 50);

-- The same of a black or white list.
CREATE TABLE restriction_installs (
    restriction_id bigint NOT NULL,
    device_id      bigint NOT NULL,
    job_id         bigint NOT NULL,
    -- The revision that the device said it keeps to; 0: none.
    revision       integer NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (restriction_id, device_id)
) WITH (fillfactor = 70);
CREATE INDEX restriction_installs_device_idx ON restriction_installs (device_id, restriction_id);

-- What a device said of all its applications, and when; the applications themselves are in device_apps.
CREATE TABLE device_inventories (
    device_id   bigint PRIMARY KEY,
    os_version  text NOT NULL DEFAULT '',
    reported_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
ALTER TABLE device_apps
    ADD COLUMN name text NOT NULL DEFAULT '',
    ADD COLUMN size_bytes bigint;

-- Devices whose assignments may have changed. The timekeeper looks at each and takes it off.
CREATE TABLE device_reviews (
    device_id  bigint PRIMARY KEY,
    -- Later than now for a device that could not be reviewed, or that must wait. A change brings it forward.
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);

-- Whoever changes users' groups and labels, or whose a device is, by whichever statement, has the devices reviewed: forgetting
-- it in one of many places would leave a device without what it must have, and nobody would notice.
CREATE FUNCTION review_devices_of_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO device_reviews (device_id)
    SELECT d.id FROM (SELECT DISTINCT user_id FROM changed) c JOIN devices d ON d.user_id = c.user_id
    -- Locks what is there already: a review that does not see this change yet must not take it away.
    ORDER BY d.id ON CONFLICT (device_id) DO UPDATE SET created_at = LEAST(device_reviews.created_at, now());
    RETURN NULL;
END $$;
CREATE TRIGGER user_group_members_joined AFTER INSERT ON user_group_members
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION review_devices_of_users();
CREATE TRIGGER user_group_members_left AFTER DELETE ON user_group_members
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION review_devices_of_users();
CREATE TRIGGER label_members_joined AFTER INSERT ON label_members
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION review_devices_of_users();
CREATE TRIGGER label_members_left AFTER DELETE ON label_members
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION review_devices_of_users();

-- The default group is that of an organisation's users.
CREATE FUNCTION review_devices_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO device_reviews (device_id) SELECT id FROM devices WHERE user_id = NEW.id
    ORDER BY id ON CONFLICT (device_id) DO UPDATE SET created_at = LEAST(device_reviews.created_at, now());
    RETURN NULL;
END $$;
CREATE TRIGGER users_moved AFTER UPDATE OF organisation_id ON users
    FOR EACH ROW WHEN (OLD.organisation_id IS DISTINCT FROM NEW.organisation_id) EXECUTE FUNCTION review_devices_of_user();

CREATE FUNCTION review_device() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO device_reviews (device_id) VALUES (NEW.id)
    ON CONFLICT (device_id) DO UPDATE SET created_at = LEAST(device_reviews.created_at, now());
    RETURN NULL;
END $$;
CREATE TRIGGER devices_enrolled AFTER INSERT ON devices
    FOR EACH ROW WHEN (NEW.user_id IS NOT NULL) EXECUTE FUNCTION review_device();
-- Fires for statements that name these columns, not for what devices' contacts change.
CREATE TRIGGER devices_changed AFTER UPDATE OF user_id, organisation_id, os, device_type, relationship, status ON devices
    FOR EACH ROW WHEN (
        (OLD.user_id, OLD.organisation_id, OLD.os, OLD.device_type, OLD.relationship, OLD.status = 'deregistered')
        IS DISTINCT FROM
        (NEW.user_id, NEW.organisation_id, NEW.os, NEW.device_type, NEW.relationship, NEW.status = 'deregistered'))
    EXECUTE FUNCTION review_device();

-- A device that was deregistered may still log in until then, to be told what it must remove. NULL: it may not.
ALTER TABLE devices ADD COLUMN leaving_until timestamptz;
-- What the timekeeper walks: few.
CREATE INDEX devices_leaving_idx ON devices (id) WHERE leaving_until IS NOT NULL;
