-- A revoked device may still be connected: when its connections are to be ended (again), and since when it is revoked.
-- Both are NULL when there is nothing to do. They stand apart from revoked_at, because a device may get a new token before
-- the connections made with the old one are ended. Columns without a default rewrite nothing.
ALTER TABLE credentials
    ADD COLUMN cut_off_since timestamptz,
    ADD COLUMN cut_off_due_at timestamptz;
-- What the timekeeper looks at each second: as many rows as devices were revoked just now.
CREATE INDEX credentials_cut_off_idx ON credentials (cut_off_due_at) WHERE cut_off_due_at IS NOT NULL;
