'use strict';
const assert = require('node:assert');
const path = require('node:path');
const { test } = require('node:test');
const { contentType } = require('../queries');
const { listMigrations } = require('../migrations');
const { answer, limitOf, visitorCookie } = require('../routes');
const { readSettings } = require('../settings');

const frontend = path.resolve(__dirname, '../../frontend');
const settings = { siteName: 'A name', secret: 'x'.repeat(32) };
const get = (url, database) => answer({ database, settings, frontend }, { method: 'GET', url });

test('a list asks for at most the limit of rows', async () => {
  const database = { query: async (sql, values) => ({ rows: [{ values }] }) };
  assert.equal((await get('/api/news?limit=5', database)).body, '[{"values":[5]}]');
  assert.equal((await get('/api/news?limit=99999', database)).body, '[{"values":[1000]}]');
  assert.equal((await get('/api/news?limit=x', database)).status, 400);
  assert.equal(limitOf(new URLSearchParams('limit=-1')), null);
});

test('health says when the database does not answer', async () => {
  const database = { query: async () => { throw new Error('gone'); } };
  assert.equal((await get('/api/health', database)).status, 503);
});

test('files outside of the page are not served', async () => {
  for (const url of ['/../backend/server.js', '/%2e%2e/backend/server.js', '/%2e%2e%2fbackend%2fserver.js', '/.env']) {
    assert.equal((await get(url)).status, 404, url);
  }
  assert.equal((await get('/')).status, 200);
});

test('a cookie with another signature is replaced', () => {
  const cookie = visitorCookie(settings.secret).split(';')[0];
  assert.equal(visitorCookie(settings.secret, cookie), null);
  assert.notEqual(visitorCookie('another secret, which is long', cookie), null);
});

test('settings name the missing variable', () => {
  assert.throws(() => readSettings({}), /SESSION_SECRET/);
  assert.throws(() => readSettings({ SESSION_SECRET: 'change-this-to-a-long-random-text' }), /SESSION_SECRET/);
  assert.equal(readSettings({ SESSION_SECRET: 'a # "long" secret text', ROTV_IN_CONTAINER: '1' }).host, '0.0.0.0');
});

test('migrations are in order and have their own numbers', () => {
  const numbers = listMigrations(path.join(__dirname, '../migrations')).map(({ number }) => number);
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
});

test('pictures are recognised by their first bytes', () => {
  assert.equal(contentType(Buffer.from([0xff, 0xd8, 0xff, 0xe0])), 'image/jpeg');
  assert.equal(contentType(Buffer.from('nothing')), 'application/octet-stream');
});
