-- Many tenants in one database: composite keys, row security for roles, security barrier views, restrictive policies.
--- superuser
DO $$ BEGIN CREATE ROLE tenant_user; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
--- schema
CREATE SCHEMA saas;
CREATE FUNCTION saas.current_tenant() RETURNS int LANGUAGE sql STABLE AS $$ SELECT
  NULLIF(current_setting('saas.tenant', true), '')::int $$;
CREATE TYPE saas.plan AS ENUM ('free', 'team', 'enterprise');
CREATE TABLE saas.tenants (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, slug text NOT NULL
  UNIQUE CHECK (slug = lower(slug)), plan saas.plan NOT NULL DEFAULT 'free', limits jsonb);
CREATE TABLE saas.users (tenant int REFERENCES saas.tenants ON DELETE CASCADE, id int, email text NOT NULL, admin
  boolean NOT NULL DEFAULT false, PRIMARY KEY (tenant, id), UNIQUE (tenant, email));
CREATE TABLE saas.projects (tenant int NOT NULL DEFAULT saas.current_tenant() REFERENCES saas.tenants ON DELETE
  CASCADE, id bigserial, name text NOT NULL, owner int, PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant, owner) REFERENCES saas.users ON DELETE SET NULL (owner));
CREATE TABLE saas.documents (tenant int NOT NULL, project bigint NOT NULL, id uuid NOT NULL DEFAULT
  gen_random_uuid(), title text, body text, words int GENERATED ALWAYS AS (cardinality(regexp_split_to_array(body,
  '\s+'))) STORED,
  PRIMARY KEY (tenant, id), FOREIGN KEY (tenant, project) REFERENCES saas.projects ON DELETE CASCADE);
CREATE TABLE saas.usage (tenant int NOT NULL REFERENCES saas.tenants, day date NOT NULL, requests bigint NOT NULL
  DEFAULT 0, PRIMARY KEY (tenant, day)) PARTITION BY RANGE (day);
CREATE TABLE saas.usage_2026 PARTITION OF saas.usage FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
ALTER TABLE saas.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.documents FORCE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON saas.users TO tenant_user USING (tenant = saas.current_tenant());
CREATE POLICY by_tenant ON saas.projects TO tenant_user USING (tenant = saas.current_tenant()) WITH CHECK (tenant =
  saas.current_tenant());
CREATE POLICY by_tenant ON saas.documents USING (tenant = saas.current_tenant() OR saas.current_tenant() IS NULL);
CREATE POLICY no_deletion ON saas.documents AS RESTRICTIVE FOR DELETE TO tenant_user USING (title IS NULL);
CREATE POLICY additions ON saas.documents FOR INSERT TO tenant_user, CURRENT_USER WITH CHECK (title IS NOT NULL);
CREATE VIEW saas.my_projects WITH (security_barrier, check_option = cascaded) AS SELECT * FROM saas.projects WHERE
  tenant = saas.current_tenant();
CREATE VIEW saas.tenant_sizes AS SELECT t.id, t.name, t.plan, count(d.id) AS documents, sum(d.words) AS words FROM
  saas.tenants t LEFT JOIN saas.documents d ON d.tenant = t.id GROUP BY t.id;
INSERT INTO saas.tenants (name, slug) SELECT 'Tenant ' || i, 't' || i FROM generate_series(1, 5) i;
INSERT INTO saas.users SELECT t, u, 'u' || u || '@t' || t || '.example', u = 1 FROM generate_series(1, 5) t,
  generate_series(1, 3) u;
INSERT INTO saas.projects (tenant, name, owner) SELECT t, 'Project ' || p, 1 + p % 3 FROM generate_series(1, 5) t,
  generate_series(1, 3) p;
INSERT INTO saas.documents (tenant, project, id, title, body) SELECT tenant, id, md5(id::text)::uuid, 'D' || id,
  repeat('w ', id::int) FROM saas.projects;
INSERT INTO saas.usage SELECT t, '2026-06-01'::date + d, d * 100 FROM generate_series(1, 5) t, generate_series(1, 4)
  d;
--- migration
ALTER TABLE saas.tenants ADD region text NOT NULL DEFAULT 'eu', ADD parent int REFERENCES saas.tenants;
CREATE TABLE saas.keys (tenant int REFERENCES saas.tenants ON DELETE CASCADE, hash bytea, scopes text[] NOT NULL
  DEFAULT '{}', PRIMARY KEY (tenant, hash));
ALTER TABLE saas.keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON saas.keys TO tenant_user USING (tenant = saas.current_tenant());
INSERT INTO saas.keys SELECT id, sha256(slug::bytea) FROM saas.tenants;
--- migration
DROP POLICY no_deletion ON saas.documents;
ALTER POLICY additions ON saas.documents TO PUBLIC;
ALTER TABLE saas.users NO FORCE ROW LEVEL SECURITY, ADD last_seen timestamptz;
ALTER TYPE saas.plan ADD VALUE 'trial' BEFORE 'free';
CREATE TABLE saas.usage_2027 PARTITION OF saas.usage FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
ALTER TABLE saas.usage_2027 ALTER requests SET DEFAULT 1;
