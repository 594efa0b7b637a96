-- Version 1 of the log's schema. What is here is never changed: a later version is a file of its own.

-- It's there where deploy/postgres/roles.sql was run; the owner may not make one then.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'liem') THEN
        CREATE SCHEMA liem;
    END IF;
END
$$;

-- The versions that were applied; the highest is what the database has.
CREATE TABLE liem.version (version bigint PRIMARY KEY);

-- The columns repeat what the bytes say, so that it can be looked up; the bytes are the record. There are
-- three indexes and no more (position, stream and revision, append id): anything else is a view.
CREATE TABLE liem.entry (
    position bigint PRIMARY KEY CHECK (position > 0),
    stream text COLLATE "C" NOT NULL,
    revision bigint NOT NULL CHECK (revision > 0),
    append_id uuid NOT NULL,
    k integer NOT NULL CHECK (k >= 0),
    type text NOT NULL,
    -- Microseconds since 1970.
    recorded_at bigint NOT NULL,
    bytes bytea NOT NULL,
    UNIQUE (stream, revision),
    UNIQUE (append_id, k)
);

-- Entries 256n+1 to 256n+256 in one piece, compressed: made from the entries, and made anew at any time.
CREATE TABLE liem.bundle (number bigint PRIMARY KEY CHECK (number >= 0), entries bytea NOT NULL);
-- Compressed already.
ALTER TABLE liem.bundle ALTER COLUMN entries SET STORAGE EXTERNAL;

-- A row here closes the log: nothing is appended any more. That is how a log is moved elsewhere.
-- `incomplete`: it's the target of such a move, and has not all yet.
CREATE TABLE liem.closed (incomplete boolean NOT NULL, reason text NOT NULL);

CREATE FUNCTION liem.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries are never changed: % refused', TG_OP USING ERRCODE = 'LI001';
END
$$;

-- ALWAYS: also where a session says that it is a replica.
CREATE TRIGGER entry_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON liem.entry
    FOR EACH STATEMENT EXECUTE FUNCTION liem.refuse();
ALTER TABLE liem.entry ENABLE ALWAYS TRIGGER entry_is_never_changed;

-- One writer at a time holds this lock, to the end of its transaction.
CREATE FUNCTION liem.lock() RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(7808826862170697069)
$$;

-- Records rows that were judged on a log ending at `after`. False if the log has moved on since, or an append id or
-- a revision is there already: nothing is recorded then, and the appends have to be judged anew.
CREATE FUNCTION liem.append(
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
    newest integer := cardinality(positions);
    head bigint;
    closed text;
BEGIN
    PERFORM liem.lock();
    -- A statement of its own, and so a snapshot from after the lock.
    SELECT (SELECT max(position) FROM liem.entry), (SELECT reason FROM liem.closed LIMIT 1) INTO head, closed;
    IF closed IS NOT NULL THEN
        RAISE EXCEPTION 'the log is closed: %', closed USING ERRCODE = 'LI002';
    END IF;
    IF coalesce(head, 0) <> after THEN
        RETURN false;
    END IF;
    INSERT INTO liem.entry (position, stream, revision, append_id, k, type, recorded_at, bytes)
        SELECT * FROM unnest(positions, streams, revisions, append_ids, ks, types, recorded, entries);
    -- One for all: readers wake once, and read what is there.
    NOTIFY liem_entry;
    RETURN true;
EXCEPTION WHEN unique_violation THEN
    RETURN false;
END
$$;

REVOKE ALL ON FUNCTION liem.refuse(), liem.lock(),
    liem.append(bigint, bigint[], text[], bigint[], uuid[], integer[], text[], bigint[], bytea[]) FROM PUBLIC;

-- The rights of the roles of deploy/postgres/roles.sql, where they are.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'liem_service') THEN
        GRANT USAGE ON SCHEMA liem TO liem_service;
        GRANT SELECT ON liem.version, liem.closed TO liem_service;
        GRANT SELECT, INSERT ON liem.entry, liem.bundle TO liem_service;
        GRANT EXECUTE ON FUNCTION liem.lock(),
            liem.append(bigint, bigint[], text[], bigint[], uuid[], integer[], text[], bigint[], bytea[])
            TO liem_service;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'liem_maintenance') THEN
        GRANT USAGE ON SCHEMA liem TO liem_maintenance;
        GRANT SELECT ON liem.version, liem.closed, liem.entry, liem.bundle TO liem_maintenance;
        GRANT INSERT, DELETE ON liem.bundle TO liem_maintenance;
    END IF;
END
$$;

INSERT INTO liem.version VALUES (1);
