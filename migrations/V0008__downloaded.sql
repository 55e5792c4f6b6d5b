-- A command may be downloaded: its device has the whole file and waits to install it.

-- To check every row of commands, which may be ten million, takes a while. So the new rules hold for what is written from
-- now on, under a lock of a moment ...
ALTER TABLE commands
    DROP CONSTRAINT commands_state,
    ADD CONSTRAINT commands_state CHECK (state IN ('planned', 'queued', 'sent', 'downloading', 'downloaded', 'installing',
        'verifying', 'cancelling', 'succeeded', 'failed', 'timed_out', 'rejected', 'cancelled', 'superseded')) NOT VALID,
    DROP CONSTRAINT commands_deadline,
    ADD CONSTRAINT commands_deadline CHECK ((deadline_at IS NOT NULL) =
        (state IN ('queued', 'sent', 'downloading', 'downloaded', 'installing', 'verifying', 'cancelling'))) NOT VALID;

-- ... which the migrator's transaction would keep until its end, and nobody could read or write a command meanwhile. It ends
-- here; should the rest fail, the whole file runs again and comes to the same.
COMMIT;
BEGIN;

-- ... and the rows from before are checked, all in one pass, while others read and write them.
ALTER TABLE commands VALIDATE CONSTRAINT commands_state, VALIDATE CONSTRAINT commands_deadline;
