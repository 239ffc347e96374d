// Limits what the environment may decide. libpq and psql read some fifty variables, and any of them can send a
// connection to another server than the intended one. This is the only list of them here; entrypoint/environment.sh has
// the same list for the entrypoint, and a test compares the two.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::os {

// Every variable that libpq or psql of PostgreSQL 14 to 18 reads, in alphabetical order.
const std::vector<std::string_view>& LibpqVariables();
bool IsLibpqVariable(std::string_view name);

// Reads the process's environment, once: everything else is given what was read, or asks TakenVariable(). Removes
// libpq's variables from the process, so that they direct neither our own connections nor any program that we run. Two
// kinds stay, since by themselves they direct nothing, and libpq reads them itself: those that say how a connection is
// secured (PGSSLMODE, PGSSLROOTCERT, PGPASSFILE …), and those that say where the service file is that a `url` may name.
// PGPASSWORD moves to EnvironmentPassword(), so that no program that we start inherits it. Must be called before the
// first thread starts. A second call changes nothing.
const std::map<std::string, std::string>& TakeEnvironment();

// All that TakeEnvironment() read; without that call, what is set at present.
std::map<std::string, std::string> TakenEnvironment();

// The value of `name` when TakeEnvironment() was called; without that call, its present value. Empty if it is not set.
std::string TakenVariable(const std::string& name);

// Changes what TakenVariable() returns, and what libraries and the programs that we start read. Must be called before
// the first thread starts.
void SetTakenVariable(const std::string& name, const std::string& value);

// TakenVariable() of PGPASSWORD.
std::string EnvironmentPassword();

// Selects the variables of `environment` that helper programs get: where they and their files are, the language,
// proxies, certificates, and what container runtimes and systemd need to find their own files. Never passwords; the SSH
// agent only if the container runtime works on another machine (CONTAINER_HOST, DOCKER_HOST). Without an argument:
// those of this process's environment.
std::map<std::string, std::string> HelperEnvironment(const std::map<std::string, std::string>& environment);
std::map<std::string, std::string> HelperEnvironment();  // Of what TakeEnvironment() read.

}  // namespace rotv::os
