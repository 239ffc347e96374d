// The queries behind the API.

'use strict';

// PostgreSQL's point has x, the longitude, first.
const DESTINATIONS = `
  SELECT id, slug, name, kind, location[0] AS longitude, location[1] AS latitude, elevation_m::float AS elevation_m,
         description, accessible, octet_length(cover) AS picture_bytes
  FROM places ORDER BY name, id LIMIT $1`;

const NEWS = `
  SELECT id, slug, title, body, tags, published_at FROM news
  WHERE published_at IS NOT NULL ORDER BY published_at DESC, id DESC LIMIT $1`;

const EVENTS = `
  SELECT events.id, title, lower(during) AS starts, upper(during) AS ends, status, price::float AS price, seats,
         places.name AS place
  FROM events JOIN places ON places.id = place_id ORDER BY lower(during) DESC, events.id DESC LIMIT $1`;

const PICTURE = 'SELECT cover FROM places WHERE id = $1';

// Recognises a picture's type by its first bytes, because the table does not have it.
function contentType(bytes) {
  if (bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))) return 'image/jpeg';
  if (bytes.subarray(0, 4).toString('latin1') === '\x89PNG') return 'image/png';
  if (bytes.subarray(8, 12).toString('latin1') === 'WEBP') return 'image/webp';
  return 'application/octet-stream';
}

module.exports = { DESTINATIONS, NEWS, EVENTS, PICTURE, contentType };
