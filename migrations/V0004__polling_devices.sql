-- Devices that ask for their commands over HTTP.
ALTER TABLE devices
    DROP CONSTRAINT devices_channel_check,
    ADD CONSTRAINT devices_channel CHECK (channel IN ('mqtt', 'poll', 'simulated'));

-- The pause before this attempt lasts until then. Its deadline cannot tell: a queued command that waits for its dispatcher
-- has one too. A device that asks must not cut its own pause short, and a broker that forgot everything must not either.
ALTER TABLE commands ADD COLUMN not_before timestamptz;
