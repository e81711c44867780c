DROP TABLE lot_edges;
DROP TABLE lots;
DROP TABLE mass_accounts;
