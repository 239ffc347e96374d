#include "sync/postgres/object_names.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <random>

namespace rotv::postgres {
namespace {

// Names of slots may have only lower-case letters, digits and underscores, 63 bytes in all.
std::string NamePart(std::string text, size_t most) {
  for (char& c : text) {
    c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
    if (!isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) > 127) c = '_';
  }
  return text.substr(0, most);
}

}  // namespace

std::string LocalHostName() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string LocalUserName() {
  const passwd* entry = getpwuid(getuid());
  return entry == nullptr ? std::to_string(getuid()) : entry->pw_name;
}

std::string LocalOwnedPrefix() {
  return fmt::format("rotv_{}_{}_", NamePart(LocalHostName(), 16), NamePart(LocalUserName(), 12));
}

proto::OwnedObjects NewObjectNames(const std::string& source_name) {
  std::random_device random;
  std::string name = fmt::format("{}{}_{:08x}", LocalOwnedPrefix(), NamePart(source_name, 14), random());
  proto::OwnedObjects objects;
  objects.set_slot(name);
  objects.set_publication(name);
  return objects;
}

}  // namespace rotv::postgres
