DROP TABLE leases;
DROP TABLE idempotency_keys;
DROP TABLE signing_keys;
DROP TABLE installation;
DROP FUNCTION refuse_change();
