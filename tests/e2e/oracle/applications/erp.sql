-- An ERP: several schemas that refer to each other, composite types, domains, warehouses, journals with balances.
CREATE SCHEMA core; CREATE SCHEMA stock; CREATE SCHEMA finance;
CREATE TYPE core.address AS (street text, city text COLLATE "C", zip varchar(12), country char(2));
CREATE DOMAIN core.quantity AS numeric(14, 3) DEFAULT 0 NOT NULL;
CREATE DOMAIN core.currency AS char(3) COLLATE "C" CHECK (VALUE = upper(VALUE)) CHECK (length(VALUE) = 3);
CREATE SEQUENCE finance.document_numbers AS int START 20260001 MINVALUE 20260001 MAXVALUE 20269999 CACHE 1;
CREATE TABLE core.companies (id smallint PRIMARY KEY, name text NOT NULL, seat core.address, currency core.currency
  NOT NULL DEFAULT 'EUR');
CREATE TABLE core.partners (company smallint REFERENCES core.companies, number int, name text NOT NULL, addresses
  core.address[],
  vat text, credit numeric(14, 2) CHECK (credit >= 0), PRIMARY KEY (company, number));
CREATE TABLE stock.items (id serial PRIMARY KEY, code text COLLATE "C" NOT NULL UNIQUE, unit text NOT NULL DEFAULT
  'piece', attributes jsonb);
CREATE TABLE stock.places (id serial PRIMARY KEY, parent int REFERENCES stock.places, code text NOT NULL, UNIQUE
  (parent, code));
CREATE TABLE stock.moves (id bigserial PRIMARY KEY, item int NOT NULL REFERENCES stock.items, from_place int
  REFERENCES stock.places,
  to_place int REFERENCES stock.places, quantity core.quantity, at timestamp NOT NULL DEFAULT now(), CHECK
    (from_place IS DISTINCT FROM to_place));
CREATE INDEX ON stock.moves USING brin (at) WITH (pages_per_range = 16);
CREATE TABLE finance.accounts (company smallint REFERENCES core.companies, number varchar(8), name text NOT NULL,
  kind "char" NOT NULL,
  PRIMARY KEY (company, number));
CREATE TABLE finance.documents (number int PRIMARY KEY DEFAULT nextval('finance.document_numbers'), company smallint
  NOT NULL,
  partner int, day date NOT NULL, text text, posted boolean NOT NULL DEFAULT false,
  FOREIGN KEY (company, partner) REFERENCES core.partners MATCH SIMPLE NOT VALID);
ALTER SEQUENCE finance.document_numbers OWNED BY finance.documents.number;
CREATE TABLE finance.entries (document int REFERENCES finance.documents ON DELETE CASCADE, line int, company smallint
  NOT NULL,
  account varchar(8) NOT NULL, debit numeric(14, 2), credit numeric(14, 2), PRIMARY KEY (document, line),
  FOREIGN KEY (company, account) REFERENCES finance.accounts, CHECK (num_nonnulls(debit, credit) = 1));
CREATE FUNCTION finance.balance(c smallint, a varchar) RETURNS numeric LANGUAGE sql STABLE PARALLEL SAFE
  BEGIN ATOMIC SELECT coalesce(sum(debit), 0) - coalesce(sum(credit), 0) FROM finance.entries e WHERE e.company = c
    AND e.account = a; END;
CREATE PROCEDURE finance.post(n int) LANGUAGE plpgsql AS $$ BEGIN UPDATE finance.documents SET posted = true WHERE
  number = n; END $$;
CREATE VIEW stock.levels AS SELECT i.id, i.code, i.unit, sum(CASE WHEN m.to_place IS NULL THEN -m.quantity ELSE
  m.quantity END) AS quantity
  FROM stock.items i LEFT JOIN stock.moves m ON m.item = i.id GROUP BY i.id;
CREATE MATERIALIZED VIEW finance.balances AS SELECT company, account, sum(debit) AS debit, sum(credit) AS credit FROM
  finance.entries GROUP BY 1, 2 WITH NO DATA;
INSERT INTO core.companies VALUES (1, 'One Ltd', ROW('Long Street 1', 'Town', '12345', 'GB'), 'EUR'), (2, 'Two AG',
  NULL, 'CHF');
INSERT INTO core.partners SELECT 1 + i % 2, i, 'Partner ' || i, ARRAY[ROW('S ' || i, 'C', i, 'DE')::core.address]
  FROM generate_series(1, 10) i;
INSERT INTO stock.items (code, attributes) SELECT 'I' || i, '{"a": [1, 2]}' FROM generate_series(1, 8) i;
INSERT INTO stock.places (code) VALUES ('A'), ('B');
INSERT INTO stock.places (parent, code) VALUES (1, 'A1'), (2, 'B1');
INSERT INTO stock.moves (item, to_place, quantity) SELECT 1 + i % 8, 1 + i % 4, i * 1.5 FROM generate_series(1, 25) i;
INSERT INTO finance.accounts SELECT c, (1000 * a)::text, 'Account ' || a, 'A' FROM generate_series(1, 2) c,
  generate_series(1, 4) a;
INSERT INTO finance.documents (company, day) SELECT 1 + i % 2, '2026-02-01'::date + i FROM generate_series(1, 12) i;
INSERT INTO finance.entries SELECT number, 1, company, '1000', 10 FROM finance.documents;
INSERT INTO finance.entries SELECT number, 2, company, '2000', NULL, 10 FROM finance.documents;
--- migration
ALTER TYPE core.address ADD ATTRIBUTE region text;
CREATE TABLE finance.currencies (code core.currency PRIMARY KEY, digits int NOT NULL DEFAULT 2);
INSERT INTO finance.currencies VALUES ('EUR', 2), ('CHF', 2), ('JPY', 0);
ALTER TABLE core.companies ADD FOREIGN KEY (currency) REFERENCES finance.currencies;
ALTER TABLE finance.entries ADD cost_centre text;
--- migration
ALTER TABLE stock.moves SET SCHEMA core;
DROP VIEW stock.levels;
ALTER TABLE stock.items RENAME TO goods;
CREATE VIEW stock.levels AS SELECT g.*, count(m.id) AS moves FROM stock.goods g LEFT JOIN core.moves m ON m.item =
  g.id GROUP BY g.id;
ALTER TABLE finance.documents VALIDATE CONSTRAINT documents_company_partner_fkey;
ALTER SEQUENCE finance.document_numbers MAXVALUE 20279999;
