-- What the roles hand each other: messages on their way to the broker, and deadlines.

CREATE TABLE outbox (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id    uuid NOT NULL,
    queue         text NOT NULL,
    body          bytea NOT NULL,
    trace_context text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    -- Claimed by state, never by "id above the last one": ids commit out of order.
    claimed_by    uuid,
    claimable_at  timestamptz NOT NULL DEFAULT now(),
    failures      integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX outbox_claimable_idx ON outbox (claimable_at, id);

-- The devices of one job among which the next deadline passes at fire_at. It may ring early, never late: an action that
-- moves a deadline forward in time leaves the timer alone, one that brings it nearer adds a timer.
CREATE TABLE timers (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id       bigint NOT NULL,
    first_device bigint NOT NULL,
    last_device  bigint NOT NULL,
    -- NULL: everybody from first to last.
    device_ids   bigint[],
    fire_at      timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX timers_fire_idx ON timers (fire_at);
-- The oracle finds the timers that may cover a device.
CREATE INDEX timers_job_idx ON timers (job_id, first_device);
