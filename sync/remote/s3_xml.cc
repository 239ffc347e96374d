#include "sync/remote/s3_xml.h"

#include <fmt/format.h>

#include <charconv>
#include <ctime>

namespace rotv::remote {
namespace {

// Gives the content of the first element of this name from `begin` on, and moves `begin` behind it.
std::optional<std::string_view> NextElement(std::string_view xml, std::string_view name, size_t* begin) {
  const std::string open = fmt::format("<{}>", name);
  const std::string close = fmt::format("</{}>", name);
  const size_t first = xml.find(open, *begin);
  if (first == std::string_view::npos) return std::nullopt;
  const size_t content = first + open.size();
  const size_t end = xml.find(close, content);
  if (end == std::string_view::npos) return std::nullopt;
  *begin = end + close.size();
  return xml.substr(content, end - content);
}

std::string Unescaped(std::string_view text) {
  constexpr std::pair<std::string_view, char> kEscapes[] = {
      {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&#34;", '"'}, {"&#39;", '\''}};
  std::string plain;
  while (!text.empty()) {
    size_t taken = 1;
    char c = text.front();
    for (const auto& [escape, meaning] : kEscapes) {
      if (!text.starts_with(escape)) continue;
      c = meaning;
      taken = escape.size();
    }
    plain += c;
    text.remove_prefix(taken);
  }
  return plain;
}

}  // namespace

std::string XmlText(std::string_view xml, std::string_view name) {
  size_t begin = 0;
  return Unescaped(NextElement(xml, name, &begin).value_or(""));
}

std::optional<KeyList> ParseKeyList(std::string_view xml) {
  if (xml.find("<ListBucketResult") == std::string_view::npos) return std::nullopt;
  KeyList list;
  size_t begin = 0;
  while (const std::optional<std::string_view> content = NextElement(xml, "Contents", &begin)) {
    ListedKey listed{.key = XmlText(*content, "Key")};
    const std::string size = XmlText(*content, "Size");
    const auto parsed = std::from_chars(size.data(), size.data() + size.size(), listed.bytes);
    const std::optional<int64_t> modified = ParseTime(XmlText(*content, "LastModified"));
    if (parsed.ec != std::errc() || !modified || listed.key.empty()) return std::nullopt;
    listed.modified_s = *modified;
    list.keys.push_back(std::move(listed));
  }
  if (XmlText(xml, "IsTruncated") == "true") {
    list.next = XmlText(xml, "NextContinuationToken");
    if (list.next.empty()) return std::nullopt;
  }
  return list;
}

std::optional<int64_t> ParseTime(const std::string& text) {
  for (const char* format : {"%Y-%m-%dT%H:%M:%S", "%a, %d %b %Y %H:%M:%S GMT"}) {
    std::tm time{};
    // The program never leaves the C locale for times.
    const char* rest = strptime(text.c_str(), format, &time);
    if (rest != nullptr) return timegm(&time);
  }
  return std::nullopt;
}

}  // namespace rotv::remote
