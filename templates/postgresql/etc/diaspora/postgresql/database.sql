-- The application's role and database. Run after every start, so that an interrupted first start heals itself and the
-- role's password is always the one on the data partition.
\set ON_ERROR_STOP on
\set password `cat /run/secrets/diaspora-database-password`
-- a failing statement would be logged, and the password with it
SET log_min_error_statement = panic;
SELECT 'CREATE ROLE diaspora LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'diaspora') \gexec
ALTER ROLE diaspora PASSWORD :'password';
SELECT 'CREATE DATABASE diaspora_production OWNER diaspora'
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'diaspora_production') \gexec
