// A .env file is read or refused, and no error says what is in it; variables that are read are read the same when they
// are written in quotes.

#include <map>
#include <string>
#include <string_view>

#include "cli/config/env_file.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv::config {
namespace {

std::string Quoted(std::string_view value) {
  std::string quoted = "\"";
  for (const char c : value) {
    if (std::string_view("\"\\$`").find(c) != std::string_view::npos) quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

void CheckEnvFile(std::string_view text) {
  os::Environment variables;
  try {
    variables = ParseEnvFile(text, "file");
  } catch (const Error& error) {
    FuzzCheck(error.code() == ErrorCode::kUsage);
    const std::string_view what = error.what();
    const size_t end = what.find(": ");
    FuzzCheck(what.starts_with("file:") && end != std::string_view::npos);
    const std::string_view why = what.substr(end + 2);
    FuzzCheck(why == "the line does not start with a variable's name" ||
              why == "there is no '=' after the variable's name" || why == "the quote that starts here does not end" ||
              why == "there is something after the closing quote");
    return;
  }
  std::string written;
  for (const auto& [name, value] : variables) {
    FuzzCheck(!name.empty() && text.find(name) != std::string_view::npos);
    written += "export " + name + " = " + Quoted(value) + "  # a comment\r\n";
  }
  FuzzCheck(ParseEnvFile(written, "file") == variables);
  // A comment after it, and a mark before it, are not part of it.
  FuzzCheck(ParseEnvFile(
                "# a comment\n" + std::string(text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text) + "\n# another",
                "file") == variables);
}

}  // namespace
}  // namespace rotv::config

ROTV_FUZZ_TARGET(env_file, rotv::config::CheckEnvFile)
