// Reads the few texts that are needed of an S3 store's answers, which are XML without attributes, comments or nesting
// of what is read. Pure; whatever the bytes are, the result is some text.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::remote {

// The content of the first <name>…</name>, without markup's escapes; empty if there is none.
std::string XmlText(std::string_view xml, std::string_view name);

struct ListedKey {
  std::string key;
  uint64_t bytes = 0;
  int64_t modified_s = 0;  // Since 1970.
};
struct KeyList {
  std::vector<ListedKey> keys;
  std::string next;  // The token for the next part; empty: this was the last.
};
// The answer to a ListObjectsV2. Gives nullopt if it is not one.
std::optional<KeyList> ParseKeyList(std::string_view xml);

// "2026-11-30T16:37:53.000Z", as lists have it, and "Mon, 30 Nov 2026 16:37:53 GMT", as HTTP has it, in seconds since
// 1970; nullopt for anything else.
std::optional<int64_t> ParseTime(const std::string& text);

}  // namespace rotv::remote
