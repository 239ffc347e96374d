#include "cli/output/questions.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "cli/output/terminal.h"
#include "storage/error.h"

namespace rotv::output {
namespace {

constexpr size_t kLongestLine = 4096;

std::string Stripped(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") + 1 - first));
}

}  // namespace

bool Questions::ArePossible(const os::Environment& environment) {
  return isatty(STDIN_FILENO) == 1 && IsTerminal(STDERR_FILENO, environment);
}

void Questions::Say(std::string_view line) { write_(TerminalText(line) + "\n"); }

std::string Questions::Ask(std::string_view what, const std::string& usual) {
  write_(TerminalText(usual.empty() ? fmt::format("{}: ", what) : fmt::format("{} [{}]: ", what, usual)));
  const std::string answer = Stripped(ReadLine());
  return answer.empty() ? usual : answer;
}

std::string Questions::AskUntilGiven(std::string_view what, const std::string& usual) {
  std::string answer;
  while (answer.empty()) answer = Ask(what, usual);
  return answer;
}

bool Questions::Confirm(std::string_view what, bool usual) {
  while (true) {
    const std::string answer = Ask(fmt::format("{} {}", what, usual ? "[Y/n]" : "[y/N]"), "");
    if (answer.empty()) return usual;
    if (answer == "y" || answer == "Y" || answer == "yes") return true;
    if (answer == "n" || answer == "N" || answer == "no") return false;
  }
}

size_t Questions::Choose(std::string_view what, const std::vector<std::string>& options, size_t usual) {
  Say(what);
  for (size_t i = 0; i < options.size(); ++i) Say(fmt::format("  {}  {}", i + 1, options[i]));
  while (true) {
    const std::string answer = Ask("number", std::to_string(usual + 1));
    size_t number = 0;
    const char* end = answer.data() + answer.size();
    const auto [stop, error] = std::from_chars(answer.data(), end, number);
    if (error == std::errc() && stop == end && number >= 1 && number <= options.size()) return number - 1;
    const auto has_answer = [&](const std::string& option) { return option.find(answer) != std::string::npos; };
    if (std::count_if(options.begin(), options.end(), has_answer) == 1) {
      return static_cast<size_t>(std::find_if(options.begin(), options.end(), has_answer) - options.begin());
    }
    Say(fmt::format("a number from 1 to {}", options.size()));
  }
}

// One byte at a time: what follows the line is for the next question, or for a program that is started in between.
std::string Questions::ReadLine() {
  std::string line;
  while (true) {
    interrupt_.Check();
    pollfd polled{in_, POLLIN, 0};
    if (poll(&polled, 1, Interrupt::kPollMs) <= 0) continue;
    char byte = 0;
    const ssize_t got = read(in_, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      write_("\n");
      throw Error(ErrorCode::kInterrupted, "interrupted: there was no answer", "give options in place of answers");
    }
    if (byte == '\n') return line;
    if (line.size() < kLongestLine) line += byte;
  }
}

}  // namespace rotv::output
