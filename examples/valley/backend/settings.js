// Reads and checks the environment once, so that a missing variable is reported before anything is opened.

'use strict';

function readSettings(environment) {
  const secret = environment.SESSION_SECRET ?? '';
  if (secret.length < 16 || secret.startsWith('change-this')) {
    throw new Error('SESSION_SECRET must be a random text of at least 16 characters; see backend/.env.example');
  }
  const port = Number(environment.PORT || 8080);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`PORT is "${environment.PORT}"`);
  return {
    secret,
    port,
    // Nothing outside of a container reaches its loopback.
    host: environment.HOST || (environment.ROTV_IN_CONTAINER ? '0.0.0.0' : '127.0.0.1'),
    siteName: environment.SITE_NAME || 'Roots of the Valley',
  };
}

module.exports = { readSettings };
