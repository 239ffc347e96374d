// Says why a connection to PostgreSQL could not be made, and what to do about it. Pure.

#pragma once

#include <string>

#include "storage/error.h"

namespace rotv::postgres {

// libpq gives no SQLSTATE before a connection exists, so the server's text is looked at. `message` is libpq's on one
// line, `link_reason` why the link itself failed (empty: it did not), `where` the server for people. kRefused where
// trying again cannot help, else kUnreachable.
Error ConnectError(const std::string& message, const std::string& link_reason, const std::string& where);

}  // namespace rotv::postgres
