-- A mail server: accounts, folders, messages spread by hash, headers, raw bytes, addresses ignoring case.
CREATE EXTENSION citext;
CREATE SCHEMA mail;
CREATE DOMAIN mail.address AS citext CHECK (VALUE ~ '^[^@\s]+@[^@\s]+$');
CREATE TABLE mail.domains (name text PRIMARY KEY, dkim bytea, relay inet, networks cidr[]);
CREATE TABLE mail.accounts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, address mail.address NOT NULL UNIQUE,
  domain text NOT NULL REFERENCES mail.domains ON UPDATE CASCADE,
  quota bigint NOT NULL DEFAULT 1000000000, password text, forward mail.address[]);
CREATE TABLE mail.folders (account int REFERENCES mail.accounts ON DELETE CASCADE, path text, uid_next int NOT NULL
  DEFAULT 1, PRIMARY KEY (account, path));
CREATE TABLE mail.messages (account int NOT NULL, uid int NOT NULL, folder text NOT NULL, flags bit varying(16) NOT
  NULL DEFAULT B'0', subject text, sender mail.address,
  received timestamptz NOT NULL DEFAULT now(), size int NOT NULL, raw bytea, PRIMARY KEY (account, uid), FOREIGN KEY
    (account, folder) REFERENCES mail.folders ON UPDATE CASCADE)
  PARTITION BY HASH (account);
CREATE TABLE mail.messages_0 PARTITION OF mail.messages FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE mail.messages_1 PARTITION OF mail.messages FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE mail.messages_2 PARTITION OF mail.messages FOR VALUES WITH (MODULUS 3, REMAINDER 2) WITH (fillfactor =
  80);
CREATE INDEX messages_received ON mail.messages (folder, received DESC);
CREATE TABLE mail.headers (account int, uid int, line smallint, name text COLLATE "C" NOT NULL, value text, PRIMARY
  KEY (account, uid, line),
  FOREIGN KEY (account, uid) REFERENCES mail.messages ON DELETE CASCADE);
CREATE FUNCTION mail.size_of() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.size = coalesce(length(new.raw), 0);
  RETURN new; END $$;
CREATE TRIGGER size_of BEFORE INSERT OR UPDATE OF raw ON mail.messages FOR EACH ROW EXECUTE FUNCTION mail.size_of();
ALTER TABLE mail.messages_1 DISABLE TRIGGER size_of;
CREATE VIEW mail.usage AS SELECT a.id, a.address, a.quota, sum(m.size) AS used FROM mail.accounts a LEFT JOIN
  mail.messages m ON m.account = a.id GROUP BY a.id;
INSERT INTO mail.domains VALUES ('example.org', '\x00ff', '10.1.2.3', '{10.0.0.0/8}'), ('example.net', NULL, NULL,
  NULL);
INSERT INTO mail.accounts (address, domain) SELECT 'User' || i || '@example.org', 'example.org' FROM
  generate_series(1, 8) i;
INSERT INTO mail.folders SELECT id, f FROM mail.accounts, unnest(ARRAY['Inbox', 'Sent']) f;
INSERT INTO mail.messages (account, uid, folder, subject, sender, size, raw) SELECT 1 + i % 8, i, 'Inbox', 'Subject '
  || i, 'a@b.example', 0, decode(repeat('0d0a00', i), 'hex')
  FROM generate_series(1, 30) i;
INSERT INTO mail.headers SELECT account, uid, l, 'X-' || l, 'v' FROM mail.messages, generate_series(1, 2) l;
--- migration
ALTER TABLE mail.messages ADD in_reply_to text, ADD spam_score real NOT NULL DEFAULT 0;
CREATE INDEX ON mail.messages (in_reply_to) WHERE in_reply_to IS NOT NULL;
UPDATE mail.messages SET spam_score = 1.5 WHERE uid % 5 = 0;
--- migration
ALTER TABLE mail.messages_0 ALTER flags SET DEFAULT B'1';
ALTER TABLE mail.accounts DROP password, ADD last_login timestamptz;
ALTER TABLE mail.domains ADD CHECK (relay IS NULL OR masklen(relay) > 0);
ALTER TABLE mail.headers ALTER value SET STORAGE MAIN, ALTER value SET STATISTICS 500;
