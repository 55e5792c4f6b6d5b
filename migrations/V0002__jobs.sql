-- What is to be done: jobs, their audiences, one command per device, and how each attempt ended.
-- Nothing here is a foreign key of a table with millions of rows: commands are inserted by a SELECT on devices under a
-- lock on their job, and neither jobs nor devices are ever deleted, so the key could not fail and would cost a look-up a row.

CREATE TABLE jobs (
    id                bigint GENERATED ALWAYS AS IDENTITY (START WITH 3001) PRIMARY KEY,
    tenant_id         bigint NOT NULL REFERENCES tenants,
    product_id        bigint NOT NULL REFERENCES products,
    firmware_id       bigint NOT NULL REFERENCES firmwares,
    kind              text NOT NULL CHECK (kind IN ('publish', 'distribute', 'push', 'firmware')),
    name              text NOT NULL CHECK (name <> ''),
    description       text NOT NULL DEFAULT '',
    state             text NOT NULL DEFAULT 'draft'
        CHECK (state IN ('draft', 'scheduled', 'running', 'paused', 'completed', 'cancelled', 'aborted')),
    -- Policy.
    retry_limit       smallint NOT NULL CHECK (retry_limit BETWEEN 0 AND 100),
    attempt_timeout_s integer NOT NULL CHECK (attempt_timeout_s > 0),
    job_timeout_s     integer NOT NULL CHECK (job_timeout_s > 0),
    proof_required    boolean NOT NULL DEFAULT false,
    -- Commands up to this device have been released since the start; NULL when there is nothing to release.
    released_to       bigint,
    -- While there is something to plan or release: when the timekeeper calls the planner again, should nobody have.
    plan_due_at       timestamptz,
    created_by        text NOT NULL DEFAULT '',
    updated_by        text NOT NULL DEFAULT '',
    -- The traceparent of the call that made the job: everything done for it belongs to that trace.
    trace_context     text NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    start_at          timestamptz,
    started_at        timestamptz,
    expires_at        timestamptz,
    finished_at       timestamptz,
    deleted_at        timestamptz,
    CHECK ((state = 'scheduled') <= (start_at IS NOT NULL)),
    CHECK ((state IN ('running', 'paused', 'completed')) <= (started_at IS NOT NULL AND expires_at IS NOT NULL)),
    CHECK ((state IN ('completed', 'cancelled', 'aborted')) = (finished_at IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX jobs_product_idx ON jobs (product_id, id) WHERE deleted_at IS NULL;
-- What the timekeeper looks at each tick: few rows, however many jobs have ended.
CREATE INDEX jobs_active_idx ON jobs (id) WHERE state IN ('scheduled', 'running', 'paused');

CREATE INDEX jobs_plan_due_idx ON jobs (plan_due_at) WHERE plan_due_at IS NOT NULL;

-- Who was asked for, one row a call. The planner turns it into commands, chunk by chunk.
CREATE TABLE audiences (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id     bigint NOT NULL REFERENCES jobs,
    kind       text NOT NULL CHECK (kind IN ('devices', 'product')),
    -- kind devices: who, ascending. Kind product: NULL, everybody of the job's product.
    device_ids bigint[],
    -- Devices up to this one have their command; the planner resumes here.
    planned_to bigint NOT NULL DEFAULT 0,
    planned_at timestamptz,
    created_by text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((kind = 'devices') = (device_ids IS NOT NULL))
);
CREATE INDEX audiences_job_idx ON audiences (job_id);
CREATE INDEX audiences_unplanned_idx ON audiences (job_id, id) WHERE planned_at IS NULL;

CREATE TABLE commands (
    job_id         bigint NOT NULL,
    device_id      bigint NOT NULL,
    state          text NOT NULL DEFAULT 'planned',
    -- The state before; of an ended command, where it ended.
    prior_state    text NOT NULL DEFAULT 'planned',
    attempt        smallint NOT NULL DEFAULT 1 CHECK (attempt >= 1),
    -- Automatic tries left.
    retries_left   smallint NOT NULL DEFAULT 0 CHECK (retries_left >= 0),
    cancel_refused boolean NOT NULL DEFAULT false,
    -- When the timekeeper must act on it, by the database's clock. A planned command waits on its job's clock.
    deadline_at    timestamptz,
    -- When the channel took this attempt.
    sent_at        timestamptz,
    version_before text NOT NULL DEFAULT '',
    version_after  text NOT NULL DEFAULT '',
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz,
    PRIMARY KEY (job_id, device_id),
    CONSTRAINT commands_state CHECK (state IN ('planned', 'queued', 'sent', 'downloading', 'installing', 'verifying',
        'cancelling', 'succeeded', 'failed', 'timed_out', 'rejected', 'cancelled', 'superseded')),
    CONSTRAINT commands_finished CHECK ((finished_at IS NOT NULL) =
        (state IN ('succeeded', 'failed', 'timed_out', 'rejected', 'cancelled', 'superseded'))),
    CONSTRAINT commands_deadline CHECK ((deadline_at IS NOT NULL) =
        (state IN ('queued', 'sent', 'downloading', 'installing', 'verifying', 'cancelling')))
-- Three or four state changes a row, none of an indexed column: with half the page free nearly all are HOT.
-- That is why there is no index on state or deadline_at: timers find deadlines by ranges of the primary key.
) WITH (fillfactor = 50);
-- A device's commands, newest job last: its history, and whether it is busy. Written once a row, never changed.
CREATE INDEX commands_device_idx ON commands (device_id, job_id);

-- How each attempt ended: exactly one row for each ended attempt, none for one under way.
CREATE TABLE outcomes (
    job_id      bigint NOT NULL,
    device_id   bigint NOT NULL,
    attempt     smallint NOT NULL,
    outcome     text NOT NULL
        CHECK (outcome IN ('succeeded', 'failed', 'timed_out', 'rejected', 'cancelled', 'superseded')),
    -- The device's own words.
    code        text,
    message     text,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, device_id, attempt)
);

-- Reports that moved nothing, kept as evidence.
CREATE TABLE unapplied_reports (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id      bigint NOT NULL,
    device_id   bigint NOT NULL,
    attempt     smallint NOT NULL,
    status      text NOT NULL,
    code        text,
    message     text,
    reason      text NOT NULL CHECK (reason IN ('duplicate', 'late', 'premature')),
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX unapplied_reports_command_idx ON unapplied_reports (job_id, device_id);

-- Commands by job and state, kept by those who move them. Spread over shards, so that workers do not queue for one row;
-- the truth of a state is the sum over its shards.
CREATE TABLE job_tallies (
    job_id bigint NOT NULL,
    shard  smallint NOT NULL,
    state  text NOT NULL,
    count  bigint NOT NULL,
    PRIMARY KEY (job_id, shard, state)
) WITH (fillfactor = 50);
