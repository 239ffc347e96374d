// Explains why a connection to PostgreSQL failed, and what to do about it. Pure.

#pragma once

#include <string>

#include "storage/error.h"

namespace rotv::postgres {

// Classifies a failure by the server's text, since libpq gives no SQLSTATE before a connection exists. `message` is
// libpq's, on one line; `link_reason` says why the link itself failed (empty: it did not); `where` describes the
// server. The code is kRefused if trying again cannot help, else kUnreachable.
Error ConnectError(const std::string& message, const std::string& link_reason, const std::string& where);

}  // namespace rotv::postgres
