-- Version 2: appends are quicker. Nothing of what is stored differs.

-- Begins an append of what was judged on a log ending at `after`: what the transaction inserts after this is recorded.
-- False if the log has moved on since: then it has to be judged anew.
CREATE FUNCTION liem.begin_append(after bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    head bigint;
    closed text;
BEGIN
    PERFORM liem.lock();
    -- A statement of its own, and so a snapshot from after the lock.
    SELECT (SELECT max(position) FROM liem.entry), (SELECT reason FROM liem.closed LIMIT 1) INTO head, closed;
    IF closed IS NOT NULL THEN
        RAISE EXCEPTION 'the log is closed: %', closed USING ERRCODE = 'LI002';
    END IF;
    -- One for all that it inserts: readers wake once, and read what is there.
    NOTIFY liem_entry;
    RETURN coalesce(head, 0) = after;
END
$$;

-- The same and the rows, in one round trip. An append id or a revision that is there already fails with unique_violation:
-- to catch it here would cost a transaction within the transaction for every batch.
CREATE OR REPLACE FUNCTION liem.append(
    after bigint,
    positions bigint[],
    streams text[],
    revisions bigint[],
    append_ids uuid[],
    ks integer[],
    types text[],
    recorded bigint[],
    entries bytea[]
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    -- Expressions alone are cheaper than statements.
    is_next boolean := liem.begin_append(after);
BEGIN
    IF is_next THEN
        INSERT INTO liem.entry (position, stream, revision, append_id, k, type, recorded_at, bytes)
            SELECT * FROM unnest(positions, streams, revisions, append_ids, ks, types, recorded, entries);
    END IF;
    RETURN is_next;
END
$$;

REVOKE ALL ON FUNCTION liem.begin_append(bigint) FROM PUBLIC;

-- As in version 1, where the role of deploy/postgres/roles.sql is.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'liem_service') THEN
        GRANT EXECUTE ON FUNCTION liem.begin_append(bigint) TO liem_service;
    END IF;
END
$$;

INSERT INTO liem.version VALUES (2);
