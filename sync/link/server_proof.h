// Tells what is certain about a server before a password is sent to it. Pure, except for ServerSpeaksTls().

#pragma once

#include <map>
#include <string>

#include "storage/interrupt.h"

namespace rotv::link {

using PgParameters = std::map<std::string, std::string>;  // libpq's connection parameters.

// Completes `given` with libpq's own defaults (environment included) for host, hostaddr, port, sslmode, gssencmode,
// dbname and user.
PgParameters WithDefaults(const PgParameters& given);

// True if a connection with `parameters` can only reach the intended server: its certificate is checked against its
// name (sslmode=verify-full), GSSAPI encryption is required, or there is no network in between (a unix socket,
// loopback).
bool ProvesServer(const PgParameters& parameters);

// Asks the server at `host` whether it supports TLS (SSLRequest). Also false if it cannot be reached within a few
// seconds.
bool ServerSpeaksTls(const std::string& host, int port, const Interrupt& interrupt);

}  // namespace rotv::link
