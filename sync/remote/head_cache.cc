#include "sync/remote/head_cache.h"

#include <fmt/format.h>

#include <optional>
#include <system_error>

#include "storage/checked_file.h"
#include "storage/error.h"
#include "sync/remote/head_frame.h"

namespace rotv::remote {
namespace {

// Takes a line from the front of `text`, without its end; nullopt if there is none.
std::optional<std::string> TakeLine(std::string* text) {
  const size_t end = text->find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = text->substr(0, end);
  text->erase(0, end + 1);
  return line;
}

// What cannot be read is asked for again.
std::optional<std::string> Content(const std::filesystem::path& file) {
  try {
    std::optional<CheckedContent> content = ReadCheckedFile(file);
    if (content && content->checked) return std::move(content->content);
  } catch (const Error&) {
  }
  return std::nullopt;
}

}  // namespace

void HeadCache::UseFile(const std::filesystem::path& file) {
  file_ = file;
  std::optional<std::string> content = Content(file);
  if (!content) return;
  const std::optional<std::string> place = TakeLine(&*content);
  std::optional<std::string> tag = TakeLine(&*content);
  if (place != place_ || !tag || !IsIntactHead(*content)) return;
  known_ = {.tag = *std::move(tag), .bytes = *std::move(content)};
  is_intact_ = true;
}

const std::string& HeadCache::TagToAskBy() const {
  static const std::string kNone;
  return is_intact_ ? known_.tag : kNone;
}

void HeadCache::Set(KnownHead head) {
  if (head.tag == known_.tag && head.bytes == known_.bytes) return;
  known_ = std::move(head);
  is_intact_ = IsIntactHead(known_.bytes);
  if (file_.empty() || known_.tag.empty() || !is_intact_) return;
  WriteCheckedFile(file_, fmt::format("{}\n{}\n", place_, known_.tag) + known_.bytes);
}

void HeadCache::Clear() {
  known_ = {};
  is_intact_ = false;
  std::error_code ignored;  // It is asked whether it is the same, and it is not.
  if (!file_.empty()) std::filesystem::remove(file_, ignored);
}

}  // namespace rotv::remote
