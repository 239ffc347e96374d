// Brings the database to the schema that this version needs: runs the files of migrations/ in the order of their
// numbers, each once, in one transaction. On a copy of production their objects may exist already.

'use strict';
const fs = require('node:fs');
const path = require('node:path');

const LOCK = 7_045_001; // Two backends that start at once take turns.

// Returns [{ number, name, file }] in order. Two files with one number are an error: only one of them would run.
function listMigrations(directory) {
  const migrations = fs
    .readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .map((name) => {
      const match = /^(\d+)_[a-z0-9_]+\.sql$/.exec(name);
      if (!match) throw new Error(`migrations/${name} is not named NUMBER_WHAT.sql`);
      return { number: Number(match[1]), name, file: path.join(directory, name) };
    })
    .sort((a, b) => a.number - b.number);
  migrations.forEach((migration, i) => {
    if (i > 0 && migrations[i - 1].number === migration.number) throw new Error(`two migrations have number ${migration.number}`);
  });
  return migrations;
}

// Runs the migrations that have not run yet, and returns their names.
async function migrate(client, directory) {
  const done = [];
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    await client.query(
      'CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY, name text NOT NULL, ' +
        'applied_at timestamptz NOT NULL DEFAULT now())',
    );
    const { rows } = await client.query('SELECT number FROM schema_migrations');
    const known = new Set(rows.map((row) => row.number));
    for (const migration of listMigrations(directory).filter(({ number }) => !known.has(number))) {
      await client.query(fs.readFileSync(migration.file, 'utf8'));
      await client.query('INSERT INTO schema_migrations (number, name) VALUES ($1, $2)', [migration.number, migration.name]);
      done.push(migration.name);
    }
    await client.query('COMMIT');
    return done;
  } catch (problem) {
    await client.query('ROLLBACK');
    throw problem;
  }
}

module.exports = { listMigrations, migrate };
