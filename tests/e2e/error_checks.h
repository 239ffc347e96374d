// Checks that every refusal shares, for the tests of bad input: the exit code, two lines on standard error, and no
// leftovers.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {

struct ExpectedError {
  int code = 0;
  std::string message;  // A part of the first line.
  std::string hint;     // A part of the second line.
};

inline std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

struct PrintedError {
  std::string message;
  std::string hint;
};

// Returns the last two lines of standard error. Only an error ends like this.
inline PrintedError PrintedErrorOf(const Result& result) {
  const std::vector<std::string> lines = Lines(result.err);
  constexpr std::string_view kMessage = "rotv-sync: ";
  constexpr std::string_view kHint = "hint: ";
  if (lines.size() < 2 || lines[lines.size() - 2].rfind(kMessage, 0) != 0 || lines.back().rfind(kHint, 0) != 0) {
    ADD_FAILURE() << "not an error of two lines, exit status " << result.exit_status << ":\n"
                  << result.out << result.err;
    return {};
  }
  return {lines[lines.size() - 2].substr(kMessage.size()), lines.back().substr(kHint.size())};
}

inline void ExpectError(const Result& result, const ExpectedError& expected) {
  EXPECT_EQ(result.exit_status, expected.code) << result.out << result.err;
  const PrintedError printed = PrintedErrorOf(result);
  EXPECT_THAT(printed.message, ::testing::HasSubstr(expected.message));
  EXPECT_THAT(printed.hint, ::testing::HasSubstr(expected.hint));
  // The message is plain words, without a program's internals.
  EXPECT_THAT(result.err, ::testing::Not(::testing::HasSubstr("std::")));
  EXPECT_THAT(result.err, ::testing::Not(::testing::HasSubstr("<user>")));
}

// The same with --json: a document on standard output, and no error on standard error.
inline void ExpectJsonError(const Result& result, const ExpectedError& expected) {
  EXPECT_EQ(result.exit_status, expected.code) << result.out << result.err;
  const nlohmann::json document = nlohmann::json::parse(result.out, nullptr, false);
  ASSERT_TRUE(document.contains("error")) << result.out << result.err;
  EXPECT_EQ(document["error"]["code"], expected.code);
  EXPECT_THAT(document["error"]["message"].get<std::string>(), ::testing::HasSubstr(expected.message));
  EXPECT_THAT(document["error"]["hint"].get<std::string>(), ::testing::HasSubstr(expected.hint));
  EXPECT_THAT(result.err, ::testing::Not(::testing::HasSubstr("hint: ")));
}

// The stores in the home directory, complete or not.
inline std::vector<std::string> Stores(const RotvHome& rotv) {
  std::vector<std::string> stores;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(rotv.home() / "sources/production", none)) {
    const std::string name = entry.path().filename();
    if (name.rfind("store-", 0) == 0) stores.push_back(name);
  }
  return stores;
}

inline bool HasCurrentStore(const RotvHome& rotv) {
  return std::filesystem::exists(rotv.home() / "sources/production/current");
}

// Checks that the source and the home look as if no command had run.
inline void ExpectNothingLeft(const RotvHome& rotv) {
  EXPECT_THAT(rotv.LeftOnSource(), ::testing::IsEmpty());
  EXPECT_THAT(Stores(rotv), ::testing::IsEmpty());
  EXPECT_FALSE(HasCurrentStore(rotv));
}

// The same, but for a baseline that can go on, which is given up.
inline void ExpectNothingLeftButAnUnfinishedBaseline(const RotvHome& rotv) {
  const bool unfinished = nlohmann::json::parse(rotv.MustSync({"--json", "status"})).at("unfinished").is_object();
  EXPECT_THAT(rotv.LeftOnSource(), ::testing::SizeIs(unfinished ? 2 : 0));
  EXPECT_THAT(Stores(rotv), ::testing::SizeIs(unfinished ? 1 : 0));
  if (unfinished) rotv.MustSync({"baseline", "--discard"});
  ExpectNothingLeft(rotv);
}

// Checks that there is one baseline with its slot and publication.
inline void ExpectOneBaseline(const RotvHome& rotv) {
  EXPECT_THAT(rotv.LeftOnSource(), ::testing::SizeIs(2));
  EXPECT_THAT(Stores(rotv), ::testing::SizeIs(1));
  EXPECT_TRUE(HasCurrentStore(rotv));
}

}  // namespace rotv::testing
