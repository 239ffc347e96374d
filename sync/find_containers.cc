#include "sync/find_containers.h"

#include <algorithm>
#include <sstream>

#include "os/temporary_directory.h"
#include "storage/ascii_case.h"
#include "sync/link/open_link.h"

namespace rotv {
namespace {

struct Listed {
  FoundContainer container;
  bool names_postgres = false;
};

void List(link::Link& host, const std::string& runtime, std::vector<Listed>* containers) {
  std::string text;
  const os::CommandResult result =
      host.Run({.argv = {runtime, "ps", "--format", "{{.Names}}\t{{.Image}}\t{{.Command}}"}, .env = {}, .password = {}},
               [&](std::string_view piece) { text += piece; });
  if (result.exit_status != 0) return;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find('\t');
    if (first == std::string::npos || first == 0) continue;
    const std::string rest = AsciiLower(line.substr(first + 1));
    containers->push_back({.container = {.runtime = runtime,
                                         .name = line.substr(0, first),
                                         .image = line.substr(first + 1, line.find('\t', first + 1) - first - 1)},
                           .names_postgres = rest.find("postg") != std::string::npos});
  }
}

}  // namespace

std::vector<FoundContainer> FindContainers(const Context& context) {
  SourceConfig source = context.source;
  source.container.clear();  // The host itself is asked.
  const os::TemporaryDirectory sockets;
  const std::unique_ptr<link::Link> host = link::OpenLink(source, sockets.path(), context.interrupt);
  std::vector<Listed> listed;
  for (const char* runtime : {"podman", "docker"}) List(*host, runtime, &listed);
  std::stable_partition(listed.begin(), listed.end(), [](const Listed& one) { return one.names_postgres; });
  std::vector<FoundContainer> containers;
  for (Listed& one : listed) {
    // Where docker is podman under another name, each is there twice.
    const bool known = std::any_of(containers.begin(), containers.end(),
                                   [&](const FoundContainer& other) { return other.name == one.container.name; });
    if (!known) containers.push_back(std::move(one.container));
  }
  return containers;
}

}  // namespace rotv
