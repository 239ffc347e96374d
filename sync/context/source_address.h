// The servers that a source stands on, and how to find them in a text that somebody wrote: what tells whether a
// variable of an application's environment leads to production.

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

// Every host that the source names: of `ssh` (and its HostName in ~/.ssh/config), of `url`, of `host`. Where a host is
// this machine itself the port belongs to it. Socket directories are none. `home` is the person's directory, in which
// .ssh is. Never throws for a source that was checked.
std::vector<SourceAddress> AddressesOf(const SourceConfig& source, const std::string& home);

// Whether `value` is or holds the address of a PostgreSQL server, as a URL of any driver (postgres:,
// postgresql+psycopg:, jdbc:postgresql:, postgis: …) or in libpq's or ADO.NET's key=value form. Pure.
bool NamesPostgresServer(std::string_view value);

// Whether `value` holds the host as a whole word: alone, with a port, or within a URL. A host without a dot is an
// ordinary word elsewhere, and counts only with a port or behind "/", "@" or "=". This machine's own name counts with
// the port only. Pure.
bool NamesHost(std::string_view value, const SourceAddress& address);

}  // namespace rotv
