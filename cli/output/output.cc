#include "cli/output/output.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "cli/output/log_line.h"
#include "cli/output/terminal.h"
#include "storage/write_all.h"

namespace rotv::output {
namespace {

std::string DefaultHint(const std::string& program, ErrorCode code) {
  switch (code) {
    case ErrorCode::kBug:
      return "this is a bug in " + program + ": please report it with the command and this message";
    case ErrorCode::kUsage:
      return program + " --help";
    case ErrorCode::kRefused:
      return "rotv-sync doctor says what the source lacks, and prints the statement that fixes it";
    case ErrorCode::kUnreachable:
      return "try again; rotv-sync doctor says where the connection to the source fails";
    case ErrorCode::kProtocol:
      return "the source may be newer than this program: look for a newer rotv-sync";
    case ErrorCode::kDisk:
      return "check for free space";
    case ErrorCode::kCorrupt:
    case ErrorCode::kSlotLost:
      return "take a new baseline: rotv-sync baseline --force";
    case ErrorCode::kSchemasDiffer:
      return "rotv validate-schema shows how";
    case ErrorCode::kInUse:
      return "wait until the other run has ended, then run the command again";
    case ErrorCode::kCannotStart:
      return "look at what this machine lacks: processes, memory, or the program itself";
    case ErrorCode::kInterrupted:
      return "run the same command again to continue";
  }
  return "";
}

}  // namespace

bool WriteAll(int descriptor, std::string_view text) {
  const int problem = rotv::WriteAll(descriptor, text);
  if (problem == 0) return true;
  if (problem == EPIPE || problem == EBADF) return false;
  throw Error(ErrorCode::kDisk, fmt::format("the result cannot be written: {}", std::strerror(problem)),
              "check where the output goes");
}

bool ReaderIsGone(int descriptor) {
  pollfd state{descriptor, POLLOUT, 0};
  if (poll(&state, 1, 0) < 0) return false;
  return (state.revents & (POLLERR | POLLNVAL)) != 0 || (write(descriptor, "", 0) < 0 && errno == EBADF);
}

bool PipeIsBroken(int descriptor) {
  pollfd state{descriptor, POLLOUT, 0};
  return poll(&state, 1, 0) > 0 && (state.revents & POLLERR) != 0;
}

std::string JsonText(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string CompactJson(const Json& document) { return document.dump(-1, ' ', false, Json::error_handler_t::replace); }

void Output::Result(std::string_view text, const Json& document) {
  if (out_is_log_) {
    WriteOut(form_ == Form::kJson ? CompactJson(document) + "\n" : Logged("info", text, Json::object()));
    return;
  }
  WriteOut(form_ == Form::kJson ? JsonText(document) : std::string(text));
}

bool Output::Part(std::string_view text) { return WriteOut(text); }

bool Output::WriteOut(std::string_view text) {
  if (form_ == Form::kText) return streams_.out(TerminalText(text));
  return streams_.out_is_terminal ? streams_.out(TerminalJson(text)) : streams_.out(text);
}

std::string Output::Logged(std::string_view level, std::string_view message, const Json& more) const {
  return LogLine(streams_.now ? std::optional(streams_.now()) : std::nullopt, level, program_, message, more);
}

Json Output::ErrorDocument(const Error& error) const {
  const std::string hint = error.hint().empty() ? DefaultHint(program_, error.code()) : error.hint();
  return {
      {"error",
       Json{{"code", static_cast<int>(error.code())}, {"message", OneLine(error.what())}, {"hint", OneLine(hint)}}}};
}

void Output::Failure(const Error& error) {
  const Json document = ErrorDocument(error);
  if (form_ == Form::kJson) {
    WriteOut(out_is_log_ ? CompactJson(document) + "\n" : JsonText(document));
    return;
  }
  const Json& told = document.at("error");
  if (streams_.json_log) {
    streams_.err(Logged("error", error.what(), {{"code", told.at("code")}, {"hint", told.at("hint")}}));
    return;
  }
  streams_.err(fmt::format("{}: {}\nhint: {}\n", program_, told.at("message").get<std::string>(),
                           told.at("hint").get<std::string>()));
}

}  // namespace rotv::output
