// The backend: migrates the database, then serves the API and the page until it is asked to end.

'use strict';
const http = require('node:http');
const path = require('node:path');
const { Pool } = require('pg');
const { migrate } = require('./migrations');
const { answer, visitorCookie } = require('./routes');
const { readSettings } = require('./settings');

function listen(server, settings) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port, settings.host, resolve);
  });
}

async function main() {
  const settings = readSettings(process.env);
  // The driver reads PGHOST, PGPORT, PGDATABASE and PGUSER.
  const database = new Pool({ max: 8, connectionTimeoutMillis: 5000 });
  database.on('error', (problem) => console.error(`valley: a database connection broke: ${problem.message}`));

  const client = await database.connect();
  const done = await migrate(client, path.join(__dirname, 'migrations')).finally(() => client.release());
  if (done.length > 0) console.log(`valley: migrated: ${done.join(', ')}`);

  const parts = { database, settings, frontend: path.resolve(__dirname, '../frontend') };
  const server = http.createServer(async (request, response) => {
    let result;
    try {
      result = await answer(parts, request);
    } catch (problem) {
      console.error(`valley: ${request.method} ${request.url}: ${problem.message}`);
      result = { status: 500, type: 'application/json', body: '{"error":"internal error; see the log"}' };
    }
    const cookie = visitorCookie(settings.secret, request.headers.cookie);
    response.writeHead(result.status, { 'content-type': result.type, ...(cookie && { 'set-cookie': cookie }) });
    response.end(request.method === 'HEAD' ? undefined : result.body);
  });
  await listen(server, settings);
  console.log(`valley: listening on http://${settings.host}:${settings.port}/`);

  const end = () => {
    server.close(() => database.end().then(() => process.exit(0)));
    server.closeIdleConnections();
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
}

main().catch((problem) => {
  console.error(`valley: ${problem.message || problem.code}`);
  process.exit(1);
});
