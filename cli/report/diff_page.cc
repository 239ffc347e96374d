#include "cli/report/diff_page.h"

#include <nlohmann/json.hpp>

#include "cli/program/embedded_file.h"

namespace rotv::report {

std::string DiffPage(const output::Json& diff) {
  constexpr std::string_view kPlace = "@DATA@";
  std::string page(program::PageFiles().front().text);
  // In a script element the browser looks only for the end tag, which no text of a database may contain.
  std::string data;
  for (char c : output::CompactJson(diff)) {
    if (c == '<') {
      data += "\\u003c";
    } else {
      data += c;
    }
  }
  return page.replace(page.find(kPlace), kPlace.size(), data);
}

}  // namespace rotv::report
