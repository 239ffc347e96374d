// The smallest application that uses its database and its environment. The tests of `rotv start` start it.
//
//   /api/health       200 once the database answers
//   /count/TABLE      the number of its rows
//   /env/NAME         a variable, as JSON; null if it is not set

'use strict';
const { execFile } = require('node:child_process');
const http = require('node:http');

function ask(sql, answer) {
  execFile('psql', ['-XAtq', '-c', sql], (problem, out, err) => answer(problem ? err : null, out.trim()));
}

function reply(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

const server = http.createServer((request, response) => {
  const [, kind, name] = request.url.split('/');
  if (kind === 'env') return reply(response, 200, process.env[name] ?? null);
  const sql = kind === 'count' ? `SELECT count(*) FROM ${decodeURIComponent(name)}` : 'SELECT 1';
  ask(sql, (problem, value) => (problem ? reply(response, 503, problem) : reply(response, 200, Number(value))));
});

if (process.env.FAIL_AT_START) {
  console.error(`refusing to start: ${process.env.FAIL_AT_START}`);
  process.exit(3);
}
server.listen(Number(process.env.PORT), process.env.HOST || '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
