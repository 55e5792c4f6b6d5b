-- What operators see and do: who did what, whole jobs tried again, reasons of failure, the course of jobs, queues, dead
-- letters, workers.

-- Who runs the installation sees every tenant, and its queues and workers.
ALTER TABLE operators ADD COLUMN runs_installation boolean NOT NULL DEFAULT false;

-- Who did what, from where. Written in the transaction of what was done, never changed.
CREATE TABLE audit_entries (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- NULL: what was done to the installation, such as pausing a queue.
    tenant_id       bigint REFERENCES tenants,
    -- Whose it was; NULL: the tenant's as a whole.
    organisation_id bigint REFERENCES organisations,
    -- NULL: at the command line, or a login that failed.
    operator_id     bigint REFERENCES operators,
    -- The name to log in with, or that of the account at the command line.
    actor           text NOT NULL,
    via             text NOT NULL CHECK (via IN ('dashboard', 'api', 'command_line')),
    -- The address that called; empty at the command line.
    address         text NOT NULL DEFAULT '',
    action          text NOT NULL CHECK (action <> ''),
    -- What it was done to, as 'job' and '3001'.
    subject_kind    text NOT NULL,
    subject         text NOT NULL,
    -- How many devices it affected, where that is known.
    devices         bigint,
    detail          text NOT NULL DEFAULT '',
    noted_at        timestamptz NOT NULL DEFAULT now()
);
-- A tenant's entries, newest first; and those about one thing.
CREATE INDEX audit_entries_tenant_idx ON audit_entries (tenant_id, id);
CREATE INDEX audit_entries_subject_idx ON audit_entries (subject_kind, subject, id);

-- An operator's wish to try again what failed: the planner walks the job's commands by it, chunk by chunk.
CREATE TABLE retries (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id      bigint NOT NULL REFERENCES jobs,
    -- Which ended commands: those in these states, and of these those whose last attempt ended with this code, if one is named.
    states      text[] NOT NULL CHECK (states <@ ARRAY['failed', 'timed_out', 'cancelled']),
    code        text,
    -- Devices up to this one have been looked at.
    walked_to   bigint NOT NULL DEFAULT 0,
    retried     bigint NOT NULL DEFAULT 0,
    -- Passed by, since the device is in another job, or has been given something newer.
    busy        bigint NOT NULL DEFAULT 0,
    asked_by    text NOT NULL,
    asked_at    timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX retries_open_idx ON retries (job_id, id) WHERE finished_at IS NULL;
CREATE INDEX retries_job_idx ON retries (job_id, id);

-- A job that was held and goes on: what was queued before is handed out again.
ALTER TABLE jobs ADD COLUMN resumed_at timestamptz;
-- What may complete: jobs that are held too, when nothing is left to hold.
DROP INDEX jobs_working_idx;
CREATE INDEX jobs_working_idx ON jobs (id) WHERE state IN ('running', 'paused') AND kind <> 'publish';

-- Why attempts did not succeed, counted by those who record it: over shards, as job_tallies. Codes are the devices' words;
-- beyond a limit of different ones a shard counts them together, as code '*'.
CREATE TABLE failure_tallies (
    job_id  bigint NOT NULL,
    shard   smallint NOT NULL,
    outcome text NOT NULL,
    code    text NOT NULL,
    attempt smallint NOT NULL,
    count   bigint NOT NULL,
    PRIMARY KEY (job_id, shard, outcome, code, attempt)
) WITH (fillfactor = 50);
-- What has failed so far, once. Of each job the thousand most frequent; the rest together.
INSERT INTO failure_tallies (job_id, shard, outcome, code, attempt, count)
SELECT job_id, 0, outcome, CASE WHEN place <= 1000 THEN code ELSE '*' END AS kept, attempt, sum(count)::bigint
FROM (SELECT *, row_number() OVER (PARTITION BY job_id ORDER BY count DESC) AS place
    FROM (SELECT job_id, outcome, left(translate(COALESCE(code, ''), E'\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f'
            '\x7f\u0080\u0081\u0082\u0083\u0084\u0085\u0086\u0087\u0088\u0089\u008a\u008b\u008c\u008d\u008e\u008f'
            '\u0090\u0091\u0092\u0093\u0094\u0095\u0096\u0097\u0098\u0099\u009a\u009b\u009c\u009d\u009e\u009f', ''), 64) AS code, attempt,
            count(*) AS count
        FROM outcomes WHERE outcome <> 'succeeded' GROUP BY 1, 2, 3, 4) counted) placed
GROUP BY job_id, outcome, kept, attempt;

-- How a job went: commands by where they stood. Taken at growing intervals, so that a job has hundreds of rows at the most,
-- however long it runs.
CREATE TABLE job_samples (
    job_id     bigint NOT NULL,
    sampled_at timestamptz NOT NULL,
    planned    bigint NOT NULL,
    queued     bigint NOT NULL,
    under_way  bigint NOT NULL,
    succeeded  bigint NOT NULL,
    -- Ended otherwise.
    failed     bigint NOT NULL,
    PRIMARY KEY (job_id, sampled_at)
);

-- How fast a tenant's commands went out and ended; kept for a day.
CREATE TABLE pace_samples (
    tenant_id      bigint NOT NULL,
    sampled_at     timestamptz NOT NULL,
    sent_per_s     real NOT NULL,
    finished_per_s real NOT NULL,
    open           bigint NOT NULL,
    PRIMARY KEY (tenant_id, sampled_at)
);
CREATE INDEX pace_samples_sampled_idx ON pace_samples (sampled_at);

-- The queues as they were last seen, and whether their workers are to take from them. A handful of rows.
CREATE TABLE queues (
    -- Without the broker's prefix: jobs.firmware.
    name            text PRIMARY KEY,
    paused_at       timestamptz,
    paused_by       text NOT NULL DEFAULT '',
    -- NULL: not known, for want of the broker's management API.
    ready           bigint,
    unacked         bigint,
    consumers       bigint,
    published_per_s real,
    delivered_per_s real,
    -- Waiting at the broker for another try, and given up there.
    retrying        bigint,
    dead            bigint,
    sampled_at      timestamptz
) WITH (fillfactor = 50);

-- Messages that no worker could handle, taken from the broker's dead-letter queues to be read, sent again or discarded here.
CREATE TABLE dead_letters (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue          text NOT NULL,
    message_id     uuid,
    -- Under which a device's report came; NULL for our own messages.
    routing_key    text,
    body           bytea NOT NULL,
    reason         text NOT NULL,
    broker_attempt integer NOT NULL,
    trace_context  text NOT NULL,
    -- The job that it is about, where its body tells.
    job_id         bigint,
    received_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (queue, message_id)
);
CREATE INDEX dead_letters_queue_idx ON dead_letters (queue, id);

-- Reports that are sent again keep the key under which they came.
ALTER TABLE outbox ADD COLUMN routing_key text;

-- The processes at work, by their own word.
CREATE TABLE workers (
    id            uuid PRIMARY KEY,
    host          text NOT NULL,
    version       text NOT NULL,
    roles         text NOT NULL,
    -- Whether the broker is inside it, so that nothing is sent while it takes no work.
    holds_broker  boolean NOT NULL DEFAULT false,
    -- Messages being handled, and handled a second since the beat before.
    in_flight     bigint NOT NULL DEFAULT 0,
    handled_per_s real NOT NULL DEFAULT 0,
    started_at    timestamptz NOT NULL DEFAULT now(),
    beat_at       timestamptz NOT NULL DEFAULT now(),
    -- Asked to take no more work, and since when there is none left.
    drain_asked_at timestamptz,
    drained_at    timestamptz
) WITH (fillfactor = 50);

-- The list of jobs, newest first, for a tenant and for the installation; jobs that ended lately, whose last changes count too.
CREATE INDEX jobs_tenant_idx ON jobs (tenant_id, id) WHERE deleted_at IS NULL;
CREATE INDEX jobs_finished_idx ON jobs (finished_at) WHERE finished_at IS NOT NULL;
-- Jobs that are to start or are held, which every look at what is going on reads; publications, which run long, are not among them.
CREATE INDEX jobs_held_idx ON jobs (id) WHERE state IN ('scheduled', 'paused');
-- What failed in a job: written once a row, and only for attempts that did not succeed.
CREATE INDEX outcomes_failed_idx ON outcomes (job_id, device_id) WHERE outcome <> 'succeeded';
-- Devices by the beginning of what they call themselves.
CREATE INDEX devices_uuid_prefix_idx ON devices (uuid text_pattern_ops);
-- A tenant's devices by the beginning of that, and of what others call them.
CREATE INDEX devices_tenant_uuid_idx ON devices (tenant_id, uuid text_pattern_ops, id);
CREATE INDEX devices_tenant_sn_idx ON devices (tenant_id, sn text_pattern_ops, id) WHERE sn <> '';
CREATE INDEX devices_tenant_imei_idx ON devices (tenant_id, imei text_pattern_ops, id) WHERE imei <> '';
CREATE INDEX devices_tenant_name_idx ON devices (tenant_id, name text_pattern_ops, id) WHERE name <> '';
