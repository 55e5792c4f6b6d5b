-- The TOP gateway: what its callers may do, whether what is published has changed, and what devices said in their checks.

-- Of applications that sign calls to the TOP gateway.
ALTER TABLE credentials
    -- MD5 is no way to sign any more; some clients know no other.
    ADD COLUMN allows_md5 boolean NOT NULL DEFAULT false,
    -- Calls a second that each process answers; NULL: as configured.
    ADD COLUMN calls_per_s integer CHECK (calls_per_s > 0);

-- A number that grows with each change of what is published in a tenant: each process keeps what is published in its memory,
-- and a check for updates reads this one number to see whether that is still right. A tenant that never published anything
-- has no row.
CREATE TABLE catalogue_revisions (
    tenant_id  bigint PRIMARY KEY REFERENCES tenants,
    revision   bigint NOT NULL DEFAULT 1,
    -- Who changed it last: one transaction changes it once, however much it does.
    changed_by xid8 NOT NULL DEFAULT pg_current_xact_id()
) WITH (fillfactor = 10);

CREATE FUNCTION catalogue_changed(tenant bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO catalogue_revisions AS known (tenant_id) VALUES (tenant)
    ON CONFLICT (tenant_id) DO UPDATE SET revision = known.revision + 1, changed_by = excluded.changed_by
        WHERE known.changed_by <> excluded.changed_by
$$;

-- Triggers note the change, whoever makes it by whichever statement: a place that forgets to would go on offering what was
-- withdrawn. They are deferred to the commit, so that this row is the last that a transaction locks, and is locked shortly.
CREATE FUNCTION tenant_catalogue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalogue_changed(COALESCE(NEW.tenant_id, OLD.tenant_id));
    RETURN NULL;
END $$;
CREATE FUNCTION audience_catalogue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalogue_changed(tenant_id) FROM jobs WHERE id = COALESCE(NEW.job_id, OLD.job_id)
        AND (kind IN ('publish', 'distribute') OR kind = 'push' AND assignment_id IS NOT NULL AND operator_id IS NOT NULL);
    RETURN NULL;
END $$;
CREATE FUNCTION target_catalogue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalogue_changed(tenant_id) FROM assignments WHERE id = COALESCE(NEW.assignment_id, OLD.assignment_id)
        AND application_id IS NOT NULL;
    RETURN NULL;
END $$;

-- Client programs: publications, and the distributions that roll them out.
CREATE CONSTRAINT TRIGGER jobs_catalogue_made AFTER INSERT ON jobs DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.kind IN ('publish', 'distribute')
        OR NEW.kind = 'push' AND NEW.assignment_id IS NOT NULL AND NEW.operator_id IS NOT NULL)
    EXECUTE FUNCTION tenant_catalogue_changed();
-- That a push completes changes nothing: all its devices had their commands before.
CREATE CONSTRAINT TRIGGER jobs_catalogue_changed AFTER UPDATE OF state, expires_at, force ON jobs DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN ((OLD.state, OLD.expires_at, OLD.force) IS DISTINCT FROM (NEW.state, NEW.expires_at, NEW.force)
        AND (NEW.kind IN ('publish', 'distribute')
            OR NEW.kind = 'push' AND NEW.assignment_id IS NOT NULL AND NEW.operator_id IS NOT NULL AND NEW.state <> 'completed'))
    EXECUTE FUNCTION tenant_catalogue_changed();
CREATE CONSTRAINT TRIGGER audiences_catalogue_made AFTER INSERT ON audiences DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.kind IN ('organisation', 'users')) EXECUTE FUNCTION audience_catalogue_changed();
CREATE CONSTRAINT TRIGGER audiences_catalogue_changed AFTER UPDATE OF planned_at, expires_at ON audiences
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.kind IN ('organisation', 'users')
        AND (OLD.planned_at, OLD.expires_at) IS DISTINCT FROM (NEW.planned_at, NEW.expires_at))
    EXECUTE FUNCTION audience_catalogue_changed();
CREATE CONSTRAINT TRIGGER client_versions_catalogue_changed AFTER UPDATE ON client_versions DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION tenant_catalogue_changed();
CREATE CONSTRAINT TRIGGER client_groups_catalogue_changed AFTER UPDATE ON client_groups DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION tenant_catalogue_changed();

-- Applications: assignments, and what they bring. Users who are named one by one are looked up with each check.
CREATE CONSTRAINT TRIGGER assignments_catalogue_made AFTER INSERT ON assignments DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.application_id IS NOT NULL) EXECUTE FUNCTION tenant_catalogue_changed();
CREATE CONSTRAINT TRIGGER assignments_catalogue_changed AFTER UPDATE ON assignments DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.application_id IS NOT NULL) EXECUTE FUNCTION tenant_catalogue_changed();
CREATE CONSTRAINT TRIGGER targets_catalogue_made AFTER INSERT ON assignment_targets DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.kind <> 'user') EXECUTE FUNCTION target_catalogue_changed();
CREATE CONSTRAINT TRIGGER targets_catalogue_gone AFTER DELETE ON assignment_targets DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.kind <> 'user') EXECUTE FUNCTION target_catalogue_changed();
CREATE CONSTRAINT TRIGGER applications_catalogue_changed AFTER UPDATE ON applications DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION tenant_catalogue_changed();
CREATE CONSTRAINT TRIGGER policies_catalogue_changed AFTER UPDATE ON app_policies DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION tenant_catalogue_changed();

-- What of a tenant is published and under way: few, however many jobs have ended and however many pushes Drover makes by
-- itself.
CREATE INDEX jobs_publishing_idx ON jobs (tenant_id, id)
    WHERE kind IN ('publish', 'distribute') AND state IN ('scheduled', 'running', 'paused');
CREATE INDEX jobs_pushing_idx ON jobs (tenant_id, id)
    WHERE kind = 'push' AND assignment_id IS NOT NULL AND operator_id IS NOT NULL AND state IN ('scheduled', 'running', 'paused');
-- What of a tenant is assigned.
CREATE INDEX assignments_tenant_idx ON assignments (tenant_id, id) WHERE application_id IS NOT NULL AND ended_at IS NULL;

-- What a device said in its newest check for updates, as a fingerprint: who says the same again says nothing new.
CREATE TABLE device_checks (
    device_id bigint PRIMARY KEY,
    digest    bytea NOT NULL CHECK (octet_length(digest) = 32),
    -- When the device said so, by its own signed clock: an older check says nothing against a newer one.
    said_at   timestamptz NOT NULL,
    -- When it was written down here. What became of the device's commands since is to be held beside it again.
    noted_at  timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
