DROP TABLE token_looks;
