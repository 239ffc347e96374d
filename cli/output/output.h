// Writes results and errors, as text or as JSON; docs/configuration.md describes both for users. Nothing that is
// written here can steer a terminal; names in JSON stay exact all the same.

#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "storage/error.h"

namespace rotv::output {

using Json = nlohmann::ordered_json;

// Writes all of `text` to `descriptor`. Returns false if it is closed, or the reading end of the pipe is. Throws kDisk
// if it cannot be written for another reason.
bool WriteAll(int descriptor, std::string_view text);

// True if the reading end of `descriptor` is closed, or if it was never open.
bool ReaderIsGone(int descriptor);
// True if it is a pipe or a socket whose reading end is closed.
bool PipeIsBroken(int descriptor);

// Writes one document, indented, with a line feed at its end. Bytes that are not UTF-8 (names in an old encoding) are
// replaced.
std::string JsonText(const Json& document);
// The same on one line, without a line feed.
std::string CompactJson(const Json& document);

class Output {
 public:
  enum class Form { kText, kJson };
  using Write = std::function<bool(std::string_view)>;  // Like WriteAll().
  struct Streams {
    Write out;  // stdout
    Write err;  // stderr
    bool out_is_terminal = false;
    bool json_log = false;  // stderr has JSON objects, one a line (LogLine()).
    // The time of such a line: Unix time, microseconds. Null: it has none.
    std::function<int64_t()> now = nullptr;
  };

  // `program` is the prefix of errors.
  Output(std::string program, Form form, Streams streams)
      : program_(std::move(program)), form_(form), streams_(std::move(streams)) {}

  Form form() const { return form_; }

  // Sends everything else to stderr when the data itself goes to stdout (materialize --output -).
  void LeaveStdoutToData() {
    streams_.out = streams_.err;
    out_is_log_ = streams_.json_log;
  }

  // Writes the result of a command: `text` for people, or `document`. Called once.
  void Result(std::string_view text, const Json& document);

  // Writes a part of a result that comes piece by piece, unchanged. Returns false if the reader is gone.
  bool Part(std::string_view text);

  // Writes two lines to stderr, `PROGRAM: ...` and `hint: ...` (one object in a JSON log), or
  // {"error":{"code","message","hint"}} to stdout. An error without a hint gets the default hint of its code.
  void Failure(const Error& error);
  // The document that Failure() writes with --json.
  Json ErrorDocument(const Error& error) const;

 private:
  bool WriteOut(std::string_view text);
  std::string Logged(std::string_view level, std::string_view message, const Json& more) const;

  const std::string program_;
  const Form form_;
  Streams streams_;
  bool out_is_log_ = false;  // Results are lines of a JSON log.
};

}  // namespace rotv::output
