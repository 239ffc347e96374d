// Several applications run side by side in one home directory. Each belongs to a project, which has a name, a
// directory, and a place: the directory of everything that is known of its application.
//
//   HOME                      the place of the first project here, and of what an older program has started
//   HOME/apps/NAME            the places of all others
//   PLACE/run/project.json    whose place it is
//   PLACE/run, PLACE/pgdata   records and log (launch_state.h), the persistent cluster
//
// Seeds, stores and warm clusters are not a project's: they are the home's.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace rotv::launch {

struct Project {
  std::string name;
  std::filesystem::path directory;  // Where its rotv.toml is, or else its application.
  std::filesystem::path place;
  bool is_named = false;  // --name has named it; another one may have the same directory.
};

struct ProjectRequest {
  const std::filesystem::path& home;
  std::filesystem::path directory;    // As in Project; absolute.
  std::filesystem::path application;  // The application's directory, by which older programs knew it; may be empty.
  std::string name;                   // --name; empty: the directory's.
};

// The project that is asked for. With a name: the one of this name. Without: the one of this directory, also if it was
// renamed since. If there is none yet, the result is what it would be; nothing is written. A second directory of the
// same name gets a name of its own, with a number that is always the same. Throws kUsage for a name with other
// characters than letters, digits, '.', '_' and '-'.
Project FindProject(const ProjectRequest& request);

// Writes down that the place is this project's. Called under the place's LaunchLock. Throws kUsage if it is that of
// another directory, which is still there; kInUse if another project has just taken it; kDisk.
void ClaimPlace(const Project& project);

// The projects that have a place in `home`, without those of which nothing is left: no directory, no cluster, and
// nothing was started.
std::vector<Project> KnownProjects(const std::filesystem::path& home);

}  // namespace rotv::launch
