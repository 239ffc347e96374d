#include "cli/launch/warm_state.h"

#include <fmt/format.h>

#include "storage/file_checksum.h"

namespace rotv::launch {

// The values may be secrets, and a manifest is read by people.
std::string PurposeKey(const WarmPurpose& purpose) {
  FileChecksum checksum;
  const auto add = [&](const std::string& text) { checksum.Add(text + '\0'); };
  add(purpose.runtime);
  add(purpose.source);
  add(purpose.database);
  add(fmt::format("{} {}", purpose.trust, purpose.superuser));
  add(purpose.admin);
  for (const std::string& role : purpose.roles) add(role);
  add("");
  for (const auto& [name, value] : purpose.twin) add(name + '\0' + value);
  if (!purpose.subset.empty()) add("subset " + purpose.subset);  // Clusters of all rows keep the key that they had.
  return ChecksumText(checksum.value());
}

std::string EmptyPurposeKey(const WarmPurpose& purpose) {
  return PurposeKey(
      {.database = purpose.database, .trust = purpose.trust, .superuser = purpose.superuser, .twin = purpose.twin});
}

}  // namespace rotv::launch
