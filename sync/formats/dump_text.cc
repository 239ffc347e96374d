#include "sync/formats/dump_text.h"

#include <fmt/format.h>

namespace rotv::formats {
namespace {

std::string InComment(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

}  // namespace

std::string DumpLiteral(std::string_view text, bool standard_strings) {
  std::string quoted = "'";
  for (char c : text) {
    if (c == '\'' || (c == '\\' && !standard_strings)) quoted.push_back(c);
    quoted.push_back(c);
  }
  return quoted + "'";
}

std::string DumpCommentText(const DumpComment& comment) {
  return fmt::format("--\n-- {}Name: {}; Type: {}; Schema: {}; Owner: -\n--\n\n", comment.prefix,
                     InComment(comment.name), comment.type, InComment(comment.schema));
}

}  // namespace rotv::formats
