// What is known of a server before a password is sent to it. Pure, but for ServerSpeaksTls().

#pragma once

#include <map>
#include <string>

#include "storage/interrupt.h"

namespace rotv::link {

using PgParameters = std::map<std::string, std::string>;  // Those of libpq.

// `given`, and for what it leaves out libpq's own defaults of host, hostaddr, port, sslmode, gssencmode, dbname and
// user, environment included.
PgParameters WithDefaults(const PgParameters& given);

// Whether a connection by `parameters` can only be to the server that is meant: its certificate is checked against its
// name (sslmode=verify-full), or there is no network in between (a unix socket, loopback).
bool ProvesServer(const PgParameters& parameters);

// Asks the server at `host` (SSLRequest). False too if it cannot be reached within a few seconds.
bool ServerSpeaksTls(const std::string& host, int port, const Interrupt& interrupt);

}  // namespace rotv::link
