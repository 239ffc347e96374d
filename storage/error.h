// The only exception class of this project. Its code says what the caller can do about the failure, and is the exit
// code of the program.

#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace rotv {

// One to one with the exit codes of the command line.
enum class ErrorCode {
  kBug = 1,            // A bug here.
  kUsage = 2,          // The command line, the config or the environment is wrong.
  kRefused = 3,        // The source refused: host key, login, permission, setting.
  kUnreachable = 4,    // The link dropped, or the source cannot be reached; trying again may help.
  kProtocol = 5,       // The source sent what we do not understand.
  kDisk = 6,           // This machine's disk: full, unwritable.
  kCorrupt = 7,        // The store failed a check.
  kFindings = 7,       // `verify` or `mask check` found something: a result, no damage, under the same code.
  kSlotLost = 8,       // The slot is lost or has moved: a new baseline is needed.
  kSchemasDiffer = 9,  // `validate-schema` found differences: a result, never thrown.
  kInUse = 10,         // Another run holds what this one needs: wait, then try again.
  kCannotStart = 12,   // This machine could not start a process, a container or a service, or allows too few files.
  kInterrupted = 130,  // Interrupted; state is as if the command had stopped cleanly.
};

class Error : public std::runtime_error {
 public:
  // `message` says what went wrong in the user's words, on one line; `hint` what to do next. Neither ends in a newline,
  // and neither may hold a password or a row's value.
  Error(ErrorCode code, const std::string& message, std::string hint = "")
      : std::runtime_error(message), code_(code), hint_(std::move(hint)) {}

  ErrorCode code() const { return code_; }
  const std::string& hint() const { return hint_; }

 private:
  ErrorCode code_;
  std::string hint_;
};

}  // namespace rotv
