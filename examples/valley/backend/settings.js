// The environment, checked once: what is missing is said before anything is opened.

'use strict';

function readSettings(environment) {
  const secret = environment.SESSION_SECRET ?? '';
  if (secret.length < 16 || secret.startsWith('change-this')) {
    throw new Error('SESSION_SECRET has to be a random text of 16 characters at least; see backend/.env.example');
  }
  const port = Number(environment.PORT || 8080);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`PORT is "${environment.PORT}"`);
  return {
    secret,
    port,
    // In a container its own loopback would be out of reach.
    host: environment.HOST || (environment.ROTV_IN_CONTAINER ? '0.0.0.0' : '127.0.0.1'),
    siteName: environment.SITE_NAME || 'Roots of the Valley',
  };
}

module.exports = { readSettings };
