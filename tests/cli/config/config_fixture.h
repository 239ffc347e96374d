// Configs in a directory of their own, and what is complained of them.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "cli/config/config.h"
#include "storage/error.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    std::filesystem::create_directories(directory_ / "home");
    request_.home = directory_ / "home";
    request_.directory = directory_;
    request_.environment = {{"HOME", "/people/ada"}};
  }

  void Write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((directory_ / file).parent_path());
    std::ofstream(directory_ / file) << text;
  }

  SourceConfig Read(const std::string& text) {
    Write("rotv.toml", text);
    return config::Config(request_).Source();
  }

  // The error as "message | hint", without the directory.
  std::string Complaint() {
    try {
      config::Config(request_).Source();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      std::string text = std::string(error.what()) + " | " + error.hint();
      std::string prefix = directory_.native() + "/";
      for (size_t at; (at = text.find(prefix)) != std::string::npos;) text.erase(at, prefix.size());
      return text;
    }
    return "nothing";
  }

  std::string ComplaintOf(const std::string& text) {
    Write("rotv.toml", text);
    return Complaint();
  }

  const testing::TempDir temporary_;
  const std::filesystem::path directory_ = temporary_.path();
  config::ConfigRequest request_;
};

#define EXPECT_HAS(text, part) EXPECT_THAT(text, ::testing::HasSubstr(part))

}  // namespace rotv
