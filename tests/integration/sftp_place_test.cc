// A remote on a real sshd: by its own SFTP, and by a login that may do nothing else.

#include "sync/remote/sftp_place.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sync/remote/directory_place.h"
#include "tests/integration/link_fixture.h"
#include "tests/support/no_progress.h"
#include "tests/support/servers/slow_link.h"

namespace rotv {
namespace {

using namespace testing;  // NOLINT: the fixture's names.
using remote::Purpose;
using remote::RemotePlace;

constexpr const char* kSftp = "Subsystem sftp internal-sftp";

class SftpPlaceTest : public OwnHomeTest {
 protected:
  void Serve(std::vector<std::string> config_lines = {kSftp}) {
    server_ = std::make_unique<SshServer>(SshServerOptions{.config_lines = std::move(config_lines)});
    target_ = ParseSshTarget(server_->Destination());
  }

  std::unique_ptr<RemotePlace> OpenPlaceFor(Purpose purpose) {
    SftpUrl url{.target = target_, .directory = directory()};
    return remote::OpenSftp({url, server_->client_key(), server_->known_hosts()}, purpose, context_);
  }

  // What some shells would read as something else.
  std::filesystem::path directory() const { return files_.path() / "a 'place' of $HOME"; }

  TempDir files_;
  SourceConfig source_ = [] {
    SourceConfig source;
    source.stall_timeout_s = 2;
    return source;
  }();
  NoProgress progress_;
  Context context_{
      .source = source_, .home = home_.path(), .progress = progress_, .interrupt = interrupt_, .retry = false};
  std::unique_ptr<SshServer> server_;
  SshTarget target_;
};

TEST_F(SftpPlaceTest, HasTheFilesOfADirectory) {
  Serve();
  const std::unique_ptr<RemotePlace> place = OpenPlaceFor(Purpose::kPublish);
  EXPECT_EQ(place->ReadHead(), std::nullopt);
  const std::string large = [] {
    std::string bytes(3'000'001, '\0');
    Pattern(1).Fill(bytes);
    return bytes;
  }();
  place->WriteObject("empty", "");
  place->WriteObject("large", "a damaged one");
  place->WriteObject("large", large);
  EXPECT_TRUE(place->ReplaceHead(std::nullopt, "first"));
  EXPECT_FALSE(place->ReplaceHead(std::nullopt, "other"));
  EXPECT_FALSE(place->ReplaceHead("other", "third"));
  EXPECT_TRUE(place->ReplaceHead("first", "second"));
  EXPECT_EQ(place->ReadHead(), "second");
  EXPECT_EQ(place->ReadObject("large", large.size()), large);

  const std::unique_ptr<RemotePlace> local = remote::OpenDirectory(directory(), Purpose::kPublish);
  EXPECT_EQ(local->ReadHead(), "second");
  EXPECT_EQ(local->ReadObject("large", large.size()), large);
  EXPECT_EQ(local->ReadObject("empty", 0), "");
  EXPECT_TRUE(local->ReplaceHead("second", "by the other way"));
  EXPECT_EQ(place->ReadHead(), "by the other way");

  std::filesystem::last_write_time(directory() / "objects" / "large",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(30));
  std::vector<RemotePlace::Listed> listed = place->ListObjects();
  ASSERT_EQ(listed.size(), 2u);
  if (listed[0].name != "large") std::swap(listed[0], listed[1]);
  EXPECT_EQ(listed[0].bytes, large.size());
  EXPECT_NEAR(static_cast<double>(listed[0].age_s), 30 * 3600, 60);
  EXPECT_LT(listed[1].age_s, 60);
  place->KeepObject("large");
  for (const RemotePlace::Listed& object : place->ListObjects()) EXPECT_LT(object.age_s, 60) << object.name;
  place->RemoveObject("empty");
  place->RemoveObject("empty");
  EXPECT_EQ(place->ListObjects().size(), 1u);
}

// Two take the same head for the present one as often as they can; every success must be one step of the count.
TEST_F(SftpPlaceTest, OneOfTwoPublishersReplacesAHead) {
  Serve();
  constexpr int kSteps = 40;
  const auto publish = [&] {
    const std::unique_ptr<RemotePlace> place = OpenPlaceFor(Purpose::kPublish);
    for (int done = 0; done < kSteps;) {
      const std::optional<std::string> before = place->ReadHead();
      if (place->ReplaceHead(before, std::to_string(before ? std::stoi(*before) + 1 : 1))) ++done;
    }
  };
  std::future<void> other = std::async(std::launch::async, publish);
  publish();
  other.get();
  EXPECT_EQ(OpenPlaceFor(Purpose::kRead)->ReadHead(), std::to_string(2 * kSteps));
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory())) files += entry.exists() ? 1 : 0;
  EXPECT_EQ(files, 3) << "beside head, lock and objects";
}

TEST_F(SftpPlaceTest, SeveralCanMakeItAtOnce) {
  Serve();
  for (int round = 0; round < 3; ++round) {
    std::filesystem::remove_all(directory());
    std::vector<std::future<void>> publishers;
    for (int i = 0; i < 4; ++i) {
      publishers.push_back(std::async(std::launch::async, [&] { OpenPlaceFor(Purpose::kPublish); }));
    }
    for (std::future<void>& publisher : publishers) EXPECT_NO_THROW(publisher.get());
    EXPECT_TRUE(std::filesystem::is_directory(directory() / "objects"));
  }
}

TEST_F(SftpPlaceTest, IsItsOwnersUntilThatOneGivesIt) {
  Serve();
  const auto mode = [&](const char* name) {
    struct stat found {};
    EXPECT_EQ(stat((directory() / name).c_str(), &found), 0) << name;
    return found.st_mode & 0777;
  };
  OpenPlaceFor(Purpose::kPublish)->WriteObject("mine", "x");
  EXPECT_EQ(mode(""), 0700u);
  EXPECT_EQ(mode("objects"), 0700u);
  EXPECT_EQ(mode("objects/mine"), 0600u);
  std::filesystem::permissions(directory(), std::filesystem::perms(0755));
  const std::unique_ptr<RemotePlace> place = OpenPlaceFor(Purpose::kPublish);
  place->WriteObject("ours", "x");
  EXPECT_TRUE(place->ReplaceHead(std::nullopt, "head"));
  EXPECT_EQ(mode("objects/ours"), 0644u);
  EXPECT_EQ(mode("head"), 0644u);
}

TEST_F(SftpPlaceTest, ALoginWithoutAShellReadsAndIsToldWhyItCannotPublish) {
  Serve();
  OpenPlaceFor(Purpose::kPublish)->WriteObject("one", "x");
  Serve({kSftp, "ForceCommand internal-sftp"});
  EXPECT_EQ(OpenPlaceFor(Purpose::kRead)->ReadObject("one", 1), "x");
  const Error error = ErrorOf([&] { OpenPlaceFor(Purpose::kPublish); });
  EXPECT_EQ(error.code(), ErrorCode::kRefused);
  EXPECT_NE(error.hint().find("needs a shell"), std::string::npos) << error.hint();
}

TEST_F(SftpPlaceTest, WhatIsMissingThereIsSaid) {
  Serve();
  EXPECT_EQ(CodeOf([&] { OpenPlaceFor(Purpose::kRead); }), ErrorCode::kUnreachable);
  const std::unique_ptr<RemotePlace> place = OpenPlaceFor(Purpose::kPublish);
  place->WriteObject("one", "abc");
  EXPECT_EQ(CodeOf([&] { place->ReadObject("one", 4); }), ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOf([&] { place->ReadObject("one", 2); }), ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOf([&] { place->ReadObject("two", 1); }), ErrorCode::kCorrupt);
  Serve({});
  const Error error = ErrorOf([&] { OpenPlaceFor(Purpose::kRead); });
  EXPECT_EQ(error.code(), ErrorCode::kRefused);
  EXPECT_NE(error.hint().find("Subsystem"), std::string::npos) << error.hint();
}

TEST_F(SftpPlaceTest, ALinkThatFailsEndsACall) {
  Serve();
  SlowLink way({.target_port = server_->port(), .delay_each_way = {}, .megabits_per_second = 0});
  server_->TrustPort(way.port());
  target_.port = way.port();
  std::unique_ptr<RemotePlace> place = OpenPlaceFor(Purpose::kPublish);
  place->WriteObject("one", "x");

  way.FreezeOpenOnes();
  EXPECT_EQ(CodeOf([&] { place->ReadObject("one", 1); }), ErrorCode::kUnreachable);
  EXPECT_EQ(place->ReadObject("one", 1), "x") << "over a new connection";

  place = OpenPlaceFor(Purpose::kRead);
  way.Break();
  EXPECT_EQ(CodeOf([&] { place->ReadObject("one", 1); }), ErrorCode::kUnreachable);

  place = OpenPlaceFor(Purpose::kRead);
  way.FreezeOpenOnes();
  std::future<Error> waits = std::async(std::launch::async, [&] { return ErrorOf([&] { place->ReadHead(); }); });
  interrupt_.Request();
  EXPECT_EQ(waits.get().code(), ErrorCode::kInterrupted);
}

// With retries, what was begun is done over a new connection.
TEST_F(SftpPlaceTest, ABrokenLinkIsMadeAgain) {
  Serve();
  context_.retry = true;
  const std::unique_ptr<RemotePlace> place = OpenPlaceFor(Purpose::kPublish);
  server_->KillSessions();
  place->WriteObject("one", "x");
  server_->KillSessions();
  EXPECT_EQ(place->ReadObject("one", 1), "x");
}

TEST(SftpUrlTest, NamesAHostAndADirectoryThere) {
  struct Case {
    const char* url;
    const char* host;
    const char* directory;
  };
  for (const Case& c : {Case{"ssh://h/srv/x", "h", "/srv/x"}, Case{"ssh://me@h:2222/srv/x y/", "me@h:2222", "/srv/x y"},
                        Case{"ssh://[::1]:22/a", "[::1]:22", "/a"}, Case{"ssh://h/~/mine", "h", "./mine"},
                        Case{"ssh://h/~other/x", "h", "/~other/x"}}) {
    const SftpUrl parsed = ParseSftpUrl(c.url);
    EXPECT_EQ(ToString(parsed.target), c.host) << c.url;
    EXPECT_EQ(parsed.directory, c.directory) << c.url;
  }
  for (const char* url : {"ssh://me:secret@h/x", "ssh://", "ssh://h", "ssh://h/", "ssh://h//", "ssh:///x", "ssh://h/~",
                          "ssh://h/~/", "h/x"}) {
    EXPECT_EQ(CodeOf([&] { ParseSftpUrl(url); }), ErrorCode::kUsage) << url;
  }
}

}  // namespace
}  // namespace rotv
