// Answers requests. `database` is anything with query(sql, values).

'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs/promises');
const path = require('node:path');
const { DESTINATIONS, NEWS, EVENTS, PICTURE, contentType } = require('./queries');

const PAGE_TYPES = { '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript' };
const LISTS = { '/api/destinations': DESTINATIONS, '/api/news': NEWS, '/api/events': EVENTS };
const MOST = 1000;

const json = (status, body) => ({ status, type: 'application/json', body: JSON.stringify(body) });

// Reads ?limit=N, a whole number from 1; more than 1000 counts as 1000.
function limitOf(parameters) {
  const limit = Number(parameters.get('limit') ?? MOST);
  return Number.isInteger(limit) && limit >= 1 ? Math.min(limit, MOST) : null;
}

async function list(database, sql, parameters) {
  const limit = limitOf(parameters);
  if (limit === null) return json(400, { error: 'limit must be a whole number from 1' });
  return json(200, (await database.query(sql, [limit])).rows);
}

async function picture(database, id) {
  const { rows } = await database.query(PICTURE, [id]);
  if (rows.length === 0 || rows[0].cover === null) return json(404, { error: 'there is no such picture' });
  return { status: 200, type: contentType(rows[0].cover), body: rows[0].cover };
}

async function health(database) {
  try {
    const { rows } = await database.query('SELECT current_database() AS database, count(*)::int AS places FROM places');
    return json(200, { status: 'ok', ...rows[0] });
  } catch (problem) {
    return json(503, { status: 'the database does not answer', problem: problem.message });
  }
}

// Serves a file of the page; files outside of its directory cannot be named.
async function file(directory, name) {
  const full = path.join(directory, path.normalize(name === '/' ? '/index.html' : name));
  const type = PAGE_TYPES[path.extname(full)];
  if (!type || !full.startsWith(directory + path.sep)) return json(404, { error: 'there is no such page' });
  try {
    return { status: 200, type, body: await fs.readFile(full) };
  } catch {
    return json(404, { error: 'there is no such page' });
  }
}

// Recognises a visitor who comes back by a number that only we can have signed.
function visitorCookie(secret, header = '') {
  const sign = (id) => crypto.createHmac('sha256', secret).update(id).digest('base64url');
  const [id, signature] = /(?:^|; )visitor=([\w-]+)\.([\w-]+)/.exec(header)?.slice(1) ?? [];
  if (id && signature === sign(id)) return null;
  const fresh = crypto.randomUUID();
  return `visitor=${fresh}.${sign(fresh)}; HttpOnly; SameSite=Lax; Path=/`;
}

async function answer({ database, settings, frontend }, request) {
  if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'only GET' });
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname === '/api/health') return health(database);
  if (url.pathname === '/api/site') return json(200, { name: settings.siteName });
  if (url.pathname in LISTS) return list(database, LISTS[url.pathname], url.searchParams);
  const match = /^\/api\/destinations\/(\d{1,9})\/picture$/.exec(url.pathname);
  if (match) return picture(database, Number(match[1]));
  if (url.pathname.startsWith('/api/')) return json(404, { error: 'there is no such path in the API' });
  return file(frontend, decodeURIComponent(url.pathname));
}

module.exports = { answer, limitOf, visitorCookie };
