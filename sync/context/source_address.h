// Finds the addresses of a source's servers, and recognises them in other text: this is how an application's
// environment variables are checked for a way to production.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sync/context/source_config.h"

namespace rotv {

struct SourceAddress {
  std::string host;  // In lower case; a name, or an address without brackets.
  int port = 0;      // 0: any.
};

// Lists every host that the source names: those of `ssh` (and its HostName in ~/.ssh/config), `url` and `host`. A host
// that is this machine has a port; others match on any port. Socket directories are left out. `home` is the user's home
// directory, which holds .ssh. Never throws for a source that was checked.
std::vector<SourceAddress> AddressesOf(const SourceConfig& source, const std::string& home);

// True if `value` is or contains the address of a PostgreSQL server, as a URL of any driver (postgres:,
// postgresql+psycopg:, jdbc:postgresql:, postgis: …) or in libpq's or ADO.NET's key=value form. Pure.
bool NamesPostgresServer(std::string_view value);

// True if `value` contains the host as a whole word: alone, with a port, or within a URL. A host without a dot may be
// an ordinary word, and counts only with a port or after "/", "@" or "=". This machine's own name counts only with the
// port. Pure.
bool NamesHost(std::string_view value, const SourceAddress& address);

}  // namespace rotv
