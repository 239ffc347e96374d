// Where results and errors go, and in which form: docs/configuration.md tells users. Nothing that goes through here can
// steer a terminal; in JSON names stay exact all the same.

#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "storage/error.h"

namespace rotv::output {

using Json = nlohmann::ordered_json;

// All of `text` to `descriptor`. Nothing is said when nobody reads it (closed pipe, closed stream): false. Throws kDisk
// if it cannot be written for another reason.
bool WriteAll(int descriptor, std::string_view text);

// Whether the reading end of stdout is gone, or it was never open.
bool ReaderIsGone(int descriptor);

// One document, indented, with a line end. Text that is not UTF-8 (names in an old encoding) has its bytes replaced.
std::string JsonText(const Json& document);
// The same on one line, without its end.
std::string CompactJson(const Json& document);

class Output {
 public:
  enum class Form { kText, kJson };
  using Write = std::function<bool(std::string_view)>;  // As WriteAll().
  struct Streams {
    Write out;  // stdout
    Write err;  // stderr
    bool out_is_terminal = false;
  };

  // `program` stands in front of errors.
  Output(std::string program, Form form, Streams streams)
      : program_(std::move(program)), form_(form), streams_(std::move(streams)) {}

  Form form() const { return form_; }

  // Once the data itself takes stdout (materialize --output -), everything else goes to stderr.
  void LeaveStdoutToData() { streams_.out = streams_.err; }

  // The result of a command: `text` for people, or `document`. Called once.
  void Result(std::string_view text, const Json& document);

  // A part of a result that comes piece by piece, as it is. False if nobody reads it any more.
  bool Part(std::string_view text);

  // Two lines on stderr, `PROGRAM: ...` and `hint: ...`, or {"error":{"code","message","hint"}} on stdout. An error
  // without a hint gets its code's.
  void Failure(const Error& error);

 private:
  bool WriteOut(std::string_view text);

  const std::string program_;
  const Form form_;
  Streams streams_;
};

}  // namespace rotv::output
