// What the environment may decide. libpq and psql read some fifty variables, and any of them can send a connection to
// another server than the one that was meant. Here is the one list of them; entrypoint/environment.sh has the same for
// the entrypoint, and a test holds the two together.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::os {

// Every variable that libpq or psql of PostgreSQL 14 to 18 reads, in alphabetical order.
const std::vector<std::string_view>& LibpqVariables();
bool IsLibpqVariable(std::string_view name);

// The process's environment is read once. TakeEnvironment() is called before the first thread, gives what was read, and
// removes libpq's variables from the process, so that neither our own connections nor anything that we run is led by
// them. What says how a connection is secured stays (PGSSLMODE, PGSSLROOTCERT, PGPASSFILE …), and where the service
// file is that a `url` may name: libpq reads these itself, and by themselves they lead nowhere. PGPASSWORD moves to
// EnvironmentPassword(), out of the reach of every program that we start.
const std::map<std::string, std::string>& TakeEnvironment();

// `name` as it was taken; empty where it was not set. Where nothing was taken, as in tests, as it is.
std::string TakenVariable(const std::string& name);

// Sets what TakenVariable() gives from now on, and what libraries and the programs that we start find. As
// TakeEnvironment(), before the first thread.
void SetTakenVariable(const std::string& name, const std::string& value);

// PGPASSWORD, likewise.
std::string EnvironmentPassword();

// What programs that help us are given of `environment`: where they and their files are, the language, proxies,
// certificates, and what container runtimes and systemd need to find their own. Neither passwords nor an SSH agent,
// unless the container runtime works on another machine (CONTAINER_HOST, DOCKER_HOST).
std::map<std::string, std::string> HelperEnvironment(const std::map<std::string, std::string>& environment);
std::map<std::string, std::string> HelperEnvironment();  // Of what was taken.

}  // namespace rotv::os
