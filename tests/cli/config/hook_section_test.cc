// The section [hooks] of rotv.toml, and whose file it may be in.

#include "tests/cli/config/config_fixture.h"

namespace rotv {
namespace {

constexpr const char* kSource = "[sources.a]\ndatabase = \"x\"\n";

class HookSectionTest : public ConfigTest {
 protected:
  config::HookConfig Hooks() const { return config::Config(request_).Hooks(); }
};

TEST_F(HookSectionTest, EachHookIsTheWordsOfACommand) {
  Write("rotv.toml", std::string(kSource) +
                         "[hooks]\nafter_pull = [\"notify\", \"a b\", \"$HOME\"]\non_failure = [\"~/bin/mail\"]\n"
                         "after_publish = [\"bin/tell\"]\nping = \"https://hc-ping.com/k/rotv-{source}?rid=1\"\n"
                         "time_limit = 7\n");
  const config::HookConfig hooks = Hooks();
  EXPECT_THAT(hooks.after_pull, ::testing::ElementsAre("notify", "a b", "$HOME"));
  EXPECT_THAT(hooks.on_failure, ::testing::ElementsAre("/people/ada/bin/mail"));
  EXPECT_THAT(hooks.after_publish, ::testing::ElementsAre((directory_ / "bin/tell").native()));
  EXPECT_EQ(hooks.ping, "https://hc-ping.com/k/rotv-{source}?rid=1");
  EXPECT_EQ(hooks.time_limit_s, 7);
  EXPECT_EQ(hooks.file, directory_ / "rotv.toml");
  Write("rotv.toml", kSource);
  EXPECT_TRUE(Hooks().empty());
}

TEST_F(HookSectionTest, WhatIsNoHookIsSaidWithItsLine) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"after_pull = \"notify --quiet\"",
       "rotv.toml:4: \"after_pull\" is a string, and no shell runs it | write each word"},
      {"after_pull = []", "\"after_pull\" names no program"},
      {"after_pull = [\"\"]", "\"after_pull\" names no program"},
      {"after_pull = [\"x\", 3]", "\"after_pull\" holds a whole number"},
      {"after_pull = [\"x\", \"a\\u0000b\"]", "\"after_pull\" has a zero byte"},
      {"on_failure = 3", "\"on_failure\" is a whole number"},
      {"ping = \"hc-ping.com/x\"", "\"ping\" is not a URL"},
      {"ping = \"file:///etc/passwd\"", "\"ping\" is not a URL"},
      {"ping = \"https:///x\"", "\"ping\" is not a URL"},
      {"ping = \"https://a/b c\"", "\"ping\" is not a URL"},
      {"ping = \"https://ada:pw@a/b\"", "\"ping\" has a login in it"},
      {"time_limit = 0", "a number of seconds from 1 to 86400"},
      {"after_pul = [\"x\"]", "unknown key \"after_pul\" in [hooks] | did you mean \"after_pull\"?"}};
  for (const auto& [line, words] : wrong)
    EXPECT_HAS(ComplaintOf(std::string(kSource) + "[hooks]\n" + line + "\n"), words);
}

TEST_F(HookSectionTest, WhatOthersCanWriteRunsNothing) {
  const std::filesystem::path file = directory_ / "rotv.toml";
  Write("rotv.toml", std::string(kSource) + "[hooks]\nafter_pull = [\"x\"]\n");
  EXPECT_NO_THROW(Hooks());
  std::filesystem::permissions(file, std::filesystem::perms(0666));
  EXPECT_THROW(Hooks(), Error);
  // Other commands need none of it.
  EXPECT_NO_THROW(config::Config(request_).Source());
  Write("rotv.toml", kSource);
  EXPECT_NO_THROW(Hooks());
}

}  // namespace
}  // namespace rotv
