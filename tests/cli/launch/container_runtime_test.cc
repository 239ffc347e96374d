#include "cli/launch/container_runtime.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

TEST(EnvFileTextTest, ValuesAreWrittenUnchanged) {
  EXPECT_EQ(launch::EnvFileText({{"A", "with 'quotes' \"and\" # signs"}, {"B", ""}}),
            "A=with 'quotes' \"and\" # signs\nB=\n");
}

TEST(EnvFileTextTest, ValuesWithLineEndsAreEncodedAndListed) {
  EXPECT_EQ(launch::EnvFileText({{"KEY", "a\nb"}, {"PLAIN", "x"}, {"ZED", "\r\n"}}),
            "KEY=YQpi\nPLAIN=x\nZED=DQo=\nROTV_SECRETS_BASE64=KEY,ZED\n");
}

// The ends that Base64 pads differently, and its last two digits.
TEST(EnvFileTextTest, ValuesOfEveryLengthAreEncoded) {
  for (const auto& [value, encoded] : std::map<std::string, std::string>{{"\n", "Cg=="},
                                                                         {"\nf", "CmY="},
                                                                         {"\nfo", "CmZv"},
                                                                         {"\nfoo", "CmZvbw=="},
                                                                         {"\xff\xfe\n", "//4K"},
                                                                         {"\n\xfb", "Cvs="}}) {
    EXPECT_EQ(launch::EnvFileText({{"A", value}}), "A=" + encoded + "\nROTV_SECRETS_BASE64=A\n");
  }
}

TEST(ContainerNameTest, EveryHomeHasItsOwnName) {
  os::Environment environment{{"HOME", "/people/ada"}};
  EXPECT_EQ(launch::ContainerName("/people/ada/.rotv", environment), "rotv");
  std::string other = launch::ContainerName("/srv/x", environment);
  EXPECT_EQ(other.size(), std::string("rotv-12345678").size());
  EXPECT_NE(other, launch::ContainerName("/srv/y", environment));
  EXPECT_EQ(launch::ContainerName("/people/ada/.rotv/apps/shop", environment), "rotv-shop");
  const std::string elsewhere = launch::ContainerName("/srv/x/apps/shop", environment);
  EXPECT_EQ(elsewhere.substr(0, 10), "rotv-shop-");
  // Two users of one Docker.
  EXPECT_NE(launch::ContainerNameWithNumber("/people/ada/.rotv"), launch::ContainerNameWithNumber("/people/bob/.rotv"));
}

// A program in the place of podman that answers its first three callers only when all of them are there, for 5 s.
constexpr const char* kThreeAtOnce = R"SH(#!/bin/sh
log=$(dirname "$0")/log
echo "$1" >>"$log"
for i in $(seq 500); do [ "$(wc -l <"$log")" -lt 3 ] || break; sleep 0.01; done
[ "$(wc -l <"$log")" -ge 3 ] || exit 9
case $1 in --version) echo "podman version 4.3.1" ;; container) echo "[]" ;; image) echo "{}" ;; esac
)SH";

TEST(ContainerRuntimeTest, WhatAStartAsksFirstIsAskedAtOnceAndUsedOnce) {
  const testing::TempDir directory;
  testing::WriteFile(directory / "podman", kThreeAtOnce, 0755);
  const Interrupt interrupt;
  launch::ContainerRuntime runtime(directory / "podman", directory / "home", "rotv", {}, interrupt);
  const auto asked = [&] {
    const std::string log = testing::ReadFile(directory / "log");
    return std::count(log.begin(), log.end(), '\n');
  };
  runtime.LookAhead("image");
  EXPECT_EQ(runtime.Describe(), (directory / "podman").native() + " 4.3.1");
  EXPECT_EQ(runtime.State(), launch::RunState::kNone);
  launch::LaunchRequest request;
  request.image = "image";
  runtime.CheckReady(request);
  EXPECT_EQ(asked(), 3);
  EXPECT_EQ(runtime.State(), launch::RunState::kNone);
  EXPECT_EQ(asked(), 4) << "an answer is not used twice";
  runtime.LookAhead("image");
  request.image = "another";
  runtime.CheckReady(request);
  EXPECT_EQ(asked(), 8) << "the answer about another image is of no use";
}

TEST(ContainerRuntimeTest, TheVersionOfAnImagesPsqlIsAskedOnce) {
  const testing::TempDir directory;
  std::filesystem::create_directories(directory / "home/run");
  testing::WriteFile(
      directory / "podman",
      "#!/bin/sh\necho \"$1\" >>\"$(dirname \"$0\")/log\"\n"
      "case $1 in image) cat \"$(dirname \"$0\")/id\" ;; run) echo \"psql (PostgreSQL) 15.18\" ;; esac\n",
      0755);
  const Interrupt interrupt;
  const launch::ContainerRuntime runtime(directory / "podman", directory / "home", "rotv", {}, interrupt);
  const auto version = [&] { return testing::MustRun({.argv = runtime.PsqlVersionCommand("image")}).out; };
  testing::WriteFile(directory / "id", "one\n");
  EXPECT_EQ(version(), "psql (PostgreSQL) 15.18\n");
  EXPECT_EQ(version(), "psql (PostgreSQL) 15.18\n");
  EXPECT_EQ(testing::ReadFile(directory / "log"), "image\nrun\nimage\n");
  testing::WriteFile(directory / "id", "two\n");
  EXPECT_EQ(version(), "psql (PostgreSQL) 15.18\n");
  EXPECT_EQ(testing::ReadFile(directory / "log"), "image\nrun\nimage\nimage\nrun\n");
}

}  // namespace
}  // namespace rotv
