-- The roles of a ledger's database. Run once by a superuser, connected to the ledger's (empty) database:
--
--   createdb liem && psql -d liem -f deploy/postgres/roles.sql
--
-- Then the owner makes the tables: `liem log migrate --log postgres://liem_owner@HOST/liem`.
-- Passwords are not set here: `\password liem_owner`, or certificates in pg_hba.conf.
--
-- liem_owner        makes and changes tables (`liem log migrate`); no service runs as it.
-- liem_service      the ledger: SELECT and INSERT, and nothing else.
-- liem_maintenance  makes bundles anew (`liem log rebundle`): reads all, deletes bundles only.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['liem_owner', 'liem_service', 'liem_maintenance'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', name);
        END IF;
    END LOOP;
END
$$;

CREATE SCHEMA IF NOT EXISTS liem AUTHORIZATION liem_owner;

-- Nobody makes tables of their own beside the log.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END
$$;
