-- A ledger: accounts in a tree, entries that balance, periods that close, documents, rates, and an audit of everything.

CREATE SCHEMA books;
CREATE SCHEMA audit;

CREATE TYPE books.side AS ENUM ('debit', 'credit');
CREATE TYPE books.amount AS (value numeric, currency char(3));
CREATE DOMAIN books.account_number AS text CHECK (VALUE ~ '^[0-9]{4}(\.[0-9]+)*$');
CREATE FUNCTION books.sign(s books.side) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT CASE s WHEN 'debit' THEN 1 ELSE -1 END $$;

CREATE TABLE books.currencies (code char(3) PRIMARY KEY, name text NOT NULL, digits smallint NOT NULL DEFAULT 2);
CREATE TABLE books.rates (
  currency char(3) REFERENCES books.currencies, day date, rate numeric NOT NULL CHECK (rate > 0), PRIMARY KEY (day, currency)
);
CREATE TABLE books.companies (id smallint PRIMARY KEY, name text NOT NULL, currency char(3) NOT NULL REFERENCES books.currencies, tax_id varchar(20) UNIQUE);
CREATE TABLE books.accounts (
  company smallint REFERENCES books.companies, number books.account_number, parent books.account_number, name text NOT NULL,
  side books.side NOT NULL, closed boolean NOT NULL DEFAULT false, PRIMARY KEY (company, number),
  FOREIGN KEY (company, parent) REFERENCES books.accounts (company, number) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE books.periods (
  company smallint REFERENCES books.companies, during daterange, closed_at timestamptz, PRIMARY KEY (company, during)
);
CREATE TABLE books.journals (id serial PRIMARY KEY, name text UNIQUE, prefix text, next_number bigint NOT NULL DEFAULT 1);
CREATE TABLE books.entries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, company smallint NOT NULL REFERENCES books.companies, journal int REFERENCES books.journals,
  day date NOT NULL, text text NOT NULL, reversed_by bigint UNIQUE REFERENCES books.entries, created timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE books.lines (
  entry bigint NOT NULL REFERENCES books.entries ON DELETE CASCADE, line int NOT NULL, company smallint NOT NULL, account books.account_number NOT NULL,
  side books.side NOT NULL, value numeric(18, 4) NOT NULL CHECK (value <> 0), original books.amount,
  signed numeric GENERATED ALWAYS AS (books.sign(side) * value) STORED,
  PRIMARY KEY (entry, line), FOREIGN KEY (company, account) REFERENCES books.accounts (company, number) ON UPDATE CASCADE
);
CREATE INDEX lines_account ON books.lines (company, account) INCLUDE (value);
CREATE TABLE books.documents (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), entry bigint REFERENCES books.entries ON DELETE SET NULL, name text, content bytea, hash bytea GENERATED ALWAYS AS (sha256(content)) STORED);
ALTER TABLE books.documents ALTER content SET STORAGE EXTERNAL;
CREATE TABLE books.balances (company smallint, account books.account_number, during daterange, balance numeric);
CREATE UNIQUE INDEX balances_key ON books.balances (account, company, during) WHERE balance IS NOT NULL;
ALTER TABLE books.balances REPLICA IDENTITY FULL;
CREATE TABLE books.budgets (company smallint NOT NULL, account books.account_number NOT NULL, months numeric[] NOT NULL, note text);
CREATE UNIQUE INDEX budgets_by ON books.budgets (account, company);
ALTER TABLE books.budgets REPLICA IDENTITY USING INDEX budgets_by;
CREATE TABLE books.assets (id int PRIMARY KEY, name text, bought books.amount, life interval, written_off tsrange);
CREATE TABLE books.settings (key text PRIMARY KEY, value json);

CREATE TABLE audit.log (at timestamptz NOT NULL DEFAULT clock_timestamp(), relation regclass, who name DEFAULT current_user, row_was jsonb, row_is jsonb);
CREATE TABLE audit.log_by_hash (id bigserial, tag text NOT NULL, data jsonb, PRIMARY KEY (id, tag)) PARTITION BY HASH (tag);
CREATE TABLE audit.log_by_hash_0 PARTITION OF audit.log_by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE audit.log_by_hash_1 PARTITION OF audit.log_by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE audit.log_by_hash_2 PARTITION OF audit.log_by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 2);

CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $f$
BEGIN
  INSERT INTO audit.log (relation, row_was, row_is)
    VALUES (TG_RELID, CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
  INSERT INTO audit.log_by_hash (tag, data) VALUES (TG_OP || ' ' || TG_TABLE_NAME, NULL);
  RETURN NULL;
END $f$;
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON books.accounts FOR EACH ROW EXECUTE FUNCTION audit.note();
CREATE TRIGGER audited AFTER UPDATE OR DELETE ON books.entries FOR EACH ROW EXECUTE FUNCTION audit.note();
CREATE FUNCTION books.balances_now(c smallint) RETURNS TABLE (account text, balance numeric) LANGUAGE sql STABLE
  AS $$ SELECT account, sum(signed) FROM books.lines WHERE company = c GROUP BY 1 $$;
CREATE FUNCTION books.is_balanced() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
  IF (SELECT sum(signed) FROM books.lines WHERE entry = NEW.entry) <> 0 THEN
    RAISE EXCEPTION 'entry % does not balance', NEW.entry;
  END IF;
  RETURN NULL;
END $f$;
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT OR UPDATE ON books.lines DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION books.is_balanced();
CREATE PROCEDURE books.close(c smallint) LANGUAGE sql AS $$ UPDATE books.periods SET closed_at = now() WHERE company = c AND closed_at IS NULL $$;
CREATE VIEW books.trial_balance AS SELECT a.company, a.number, a.name, coalesce(sum(l.signed), 0) AS balance
  FROM books.accounts a LEFT JOIN books.lines l ON l.company = a.company AND l.account = a.number GROUP BY 1, 2, 3;
CREATE MATERIALIZED VIEW books.monthly AS SELECT date_trunc('month', e.day) AS month, l.account, sum(l.signed) AS total
  FROM books.entries e JOIN books.lines l ON l.entry = e.id GROUP BY 1, 2 WITH NO DATA;
COMMENT ON FUNCTION books.sign IS 'Debit is positive.';

INSERT INTO books.currencies VALUES ('EUR', 'Euro €', 2), ('JPY', 'Yen', 0), ('USD', 'Dollar', 2);
INSERT INTO books.rates SELECT c, date '2024-01-01' + n, 1 + n * 0.0001 FROM generate_series(0, 200) n, unnest(ARRAY['JPY', 'USD']) c;
INSERT INTO books.companies VALUES (1, 'One "GmbH"', 'EUR', 'DE1'), (2, 'Two \ Co', 'USD', NULL);
INSERT INTO books.accounts SELECT c, (1000 + n)::text, CASE WHEN n > 0 THEN '1000' END, 'Account ' || n, (ARRAY['debit', 'credit'])[1 + n % 2]::books.side
  FROM generate_series(0, 99) n, generate_series(1, 2) c;
INSERT INTO books.periods SELECT c, daterange(date '2024-01-01' + m * 31, date '2024-01-01' + (m + 1) * 31) FROM generate_series(0, 11) m, generate_series(1, 2) c;
INSERT INTO books.journals (name, prefix) VALUES ('sales', 'S-'), ('bank', E'B\t');
INSERT INTO books.entries (company, journal, day, text, created) SELECT 1 + n % 2, 1 + n % 2, date '2024-01-01' + n % 300, 'Entry ' || n, '2024-12-31 00:00+00' FROM generate_series(1, 1200) n;
INSERT INTO books.lines (entry, line, company, account, side, value, original)
  SELECT id, l, company, (1000 + (id + l) % 100)::text, (ARRAY['debit', 'credit'])[l]::books.side, id + 0.25, CASE WHEN id % 5 = 0 THEN ROW(id * 160, 'JPY')::books.amount END
  FROM books.entries, generate_series(1, 2) l;
INSERT INTO books.documents (id, entry, name, content) SELECT md5(n::text)::uuid, n, 'scan ' || n, decode(repeat(md5(n::text), 10 * n), 'hex') FROM generate_series(1, 60) n;
INSERT INTO books.balances SELECT 1, (1000 + n)::text, '[2024-01-01,2024-02-01)', n FROM generate_series(0, 99) n;
INSERT INTO books.budgets SELECT 1, (1000 + n)::text, ARRAY[n, NULL, 0.10], 'b' FROM generate_series(0, 49) n;
INSERT INTO books.assets SELECT n, 'asset', ROW(n, 'EUR')::books.amount, n * interval '1 month 3 days 00:00:01', '[2020-01-01 00:00,)' FROM generate_series(1, 30) n;
INSERT INTO books.settings VALUES ('a', '{"k" : 1}'), ('b', '[ ]');
