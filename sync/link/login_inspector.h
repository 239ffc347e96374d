// LoginInspector reads the server's messages of a login, and objects to a request for the password in cleartext, which
// a libpq before 16 answers without a question. Pure. Format: PostgreSQL manual, "Message Formats".

#pragma once

#include <string>
#include <string_view>

namespace rotv::link {

class LoginInspector {
 public:
  // Takes the next bytes from the server and returns those that may be passed on to libpq: whole messages until the
  // login has succeeded or failed, and all bytes after that.
  std::string Feed(std::string_view bytes);

  // The reason why the connection must be cut; empty if there is none. No byte of the offending message was or will be
  // passed on.
  const std::string& objection() const { return objection_; }

 private:
  bool TakeMessage(std::string& passed);

  std::string held_;
  std::string objection_;
  bool over_ = false;
};

}  // namespace rotv::link
