#include "cli/output/questions.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "os/pipe.h"
#include "storage/error.h"

namespace rotv {
namespace {

// A person who has typed all answers in advance.
class Person {
 public:
  explicit Person(std::string_view answers) {
    os::Pipe pipe = os::MakePipe();
    EXPECT_EQ(write(pipe.write_end.get(), answers.data(), answers.size()), static_cast<ssize_t>(answers.size()));
    in_ = std::move(pipe.read_end);
  }
  output::Questions Ask() {
    return {in_.get(), [this](std::string_view text) { seen += text; }, interrupt};
  }

  std::string seen;
  Interrupt interrupt;

 private:
  FileDescriptor in_;
};

TEST(QuestionsTest, AnEmptyAnswerIsTheUsualOne) {
  Person person("\n  db.example.org \n\n\nx\n");
  output::Questions questions = person.Ask();
  EXPECT_EQ(questions.Ask("host", "localhost"), "localhost");
  EXPECT_EQ(questions.Ask("host", "localhost"), "db.example.org");
  EXPECT_EQ(questions.Ask("user", ""), "");
  EXPECT_EQ(questions.AskUntilGiven("user", ""), "x");
  EXPECT_EQ(person.seen, "host [localhost]: host [localhost]: user: user: user: ");
}

TEST(QuestionsTest, OnlyAnAnswerThatIsOneCounts) {
  Person person("maybe\nn\n\nyes\n7\nx\no\n2\n\nwo\n");
  output::Questions questions = person.Ask();
  EXPECT_FALSE(questions.Confirm("sure?", true));
  EXPECT_TRUE(questions.Confirm("sure?", true));
  EXPECT_TRUE(questions.Confirm("sure?", false));
  EXPECT_EQ(questions.Choose("which?", {"one", "two"}, 0), 1u);
  EXPECT_EQ(questions.Choose("which?", {"one", "two"}, 0), 0u);
  EXPECT_EQ(questions.Choose("which?", {"one", "two"}, 0), 1u);
  EXPECT_NE(person.seen.find("which?\n  1  one\n  2  two\nnumber [1]: a number from 1 to 2\n"), std::string::npos)
      << person.seen;
}

TEST(QuestionsTest, TheEndOfTheInputAndASignalInterrupt) {
  Person gone("no line feed");
  EXPECT_THROW(gone.Ask().Ask("host", "localhost"), Error);
  Person stopped("");
  stopped.interrupt.Request();
  EXPECT_THROW(stopped.Ask().Ask("host", "localhost"), Error);
}

TEST(QuestionsTest, WhatAServerSaysCannotSteerTheTerminal) {
  Person person("\n");
  person.Ask().Choose("which?", {"\x1b[2Jone"}, 0);
  EXPECT_EQ(person.seen.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace rotv
