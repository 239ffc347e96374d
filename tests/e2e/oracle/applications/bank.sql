-- A bank's ledger: accounts, transfers that balance at commit, postings in partitions by currency.
CREATE SCHEMA ledger;
CREATE TYPE ledger.side AS ENUM ('debit', 'credit');
CREATE DOMAIN ledger.iban AS varchar(34) CHECK (VALUE ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]+$');
CREATE DOMAIN ledger.positive AS numeric(20, 4) CHECK (VALUE > 0);
CREATE TABLE ledger.currencies (code char(3) PRIMARY KEY, digits smallint NOT NULL DEFAULT 2);
CREATE TABLE ledger.accounts (iban ledger.iban PRIMARY KEY, currency char(3) NOT NULL REFERENCES ledger.currencies,
  holder text NOT NULL, balance numeric(20, 4) NOT NULL DEFAULT 0,
  overdraft numeric(20, 4) NOT NULL DEFAULT 0 CHECK (overdraft >= 0), opened date NOT NULL DEFAULT '2026-01-01',
    UNIQUE (iban, currency));
CREATE TABLE ledger.transfers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, reference text UNIQUE, booked
  timestamptz NOT NULL DEFAULT now(), storno_of bigint UNIQUE REFERENCES ledger.transfers);
CREATE TABLE ledger.postings (transfer bigint NOT NULL REFERENCES ledger.transfers DEFERRABLE INITIALLY DEFERRED,
  line int NOT NULL, iban ledger.iban NOT NULL, currency char(3) NOT NULL,
  side ledger.side NOT NULL, amount ledger.positive NOT NULL, PRIMARY KEY (transfer, line, currency), FOREIGN KEY
    (iban, currency) REFERENCES ledger.accounts (iban, currency))
  PARTITION BY LIST (currency);
CREATE TABLE ledger.postings_eur PARTITION OF ledger.postings FOR VALUES IN ('EUR');
CREATE TABLE ledger.postings_usd PARTITION OF ledger.postings FOR VALUES IN ('USD');
CREATE TABLE ledger.postings_other PARTITION OF ledger.postings DEFAULT;
CREATE INDEX ON ledger.postings (iban);
CREATE FUNCTION ledger.check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT sum(CASE side WHEN 'debit' THEN amount ELSE -amount END) FROM ledger.postings WHERE transfer =
    new.transfer) <> 0 THEN
    RAISE EXCEPTION 'transfer % does not balance', new.transfer;
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT OR UPDATE ON ledger.postings DEFERRABLE INITIALLY DEFERRED FOR EACH
  ROW EXECUTE FUNCTION ledger.check_balance();
CREATE TABLE ledger.statements (iban ledger.iban REFERENCES ledger.accounts, month date, closing numeric(20, 4) NOT
  NULL, document xml, PRIMARY KEY (iban, month), CHECK (extract(day FROM month) = 1));
CREATE VIEW ledger.balances AS SELECT a.iban, a.holder, a.currency, sum(CASE p.side WHEN 'credit' THEN p.amount ELSE
  -p.amount END) AS balance
  FROM ledger.accounts a LEFT JOIN ledger.postings p ON p.iban = a.iban GROUP BY a.iban;
INSERT INTO ledger.currencies VALUES ('EUR', 2), ('USD', 2), ('JPY', 0);
INSERT INTO ledger.accounts (iban, currency, holder) SELECT 'DE' || 10 + i || 'BANK' || i, CASE i % 3 WHEN 0 THEN
  'EUR' WHEN 1 THEN 'USD' ELSE 'JPY' END, 'Holder ' || i FROM generate_series(1, 12) i;
INSERT INTO ledger.transfers (reference) SELECT 'T' || i FROM generate_series(1, 15) i;
INSERT INTO ledger.postings SELECT t.id, l, a.iban, a.currency, CASE l WHEN 1 THEN 'debit' ELSE 'credit'
  END::ledger.side, t.id * 1.25
  FROM ledger.transfers t, generate_series(1, 2) l, LATERAL (SELECT * FROM ledger.accounts ORDER BY iban OFFSET (t.id
    % 12) LIMIT 1) a;
INSERT INTO ledger.statements SELECT iban, '2026-02-01', 12.5, '<s n="1"/>' FROM ledger.accounts;
--- migration
CREATE TABLE ledger.postings_jpy (LIKE ledger.postings INCLUDING ALL);
ALTER TABLE ledger.postings DETACH PARTITION ledger.postings_other;
INSERT INTO ledger.postings_jpy SELECT * FROM ledger.postings_other WHERE currency = 'JPY';
DELETE FROM ledger.postings_other WHERE currency = 'JPY';
ALTER TABLE ledger.postings ATTACH PARTITION ledger.postings_jpy FOR VALUES IN ('JPY');
ALTER TABLE ledger.postings ATTACH PARTITION ledger.postings_other DEFAULT;
--- migration
ALTER TABLE ledger.accounts ADD closed date, ADD CHECK (closed >= opened);
ALTER TABLE ledger.transfers ADD purpose varchar(140);
CREATE FUNCTION ledger.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a statement stays'; END
  $$;
CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON ledger.statements FOR EACH STATEMENT EXECUTE FUNCTION
  ledger.refuse();
ALTER TABLE ledger.postings_usd SET (fillfactor = 90);
