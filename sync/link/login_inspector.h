// Watches a server's side of a login for the question that a libpq before 16 answers without thinking: the password in
// clear. Pure. Format: PostgreSQL manual, "Message Formats".

#pragma once

#include <string>
#include <string_view>

namespace rotv::link {

class LoginInspector {
 public:
  // Takes what the server sends next and gives what of it may be passed on: whole messages only, until the login has
  // succeeded or failed, and everything from then on.
  std::string Feed(std::string_view bytes);

  // Empty, or why the connection must be cut. Nothing of the message at fault was or will be passed on.
  const std::string& objection() const { return objection_; }

 private:
  bool TakeMessage(std::string& passed);

  std::string held_;
  std::string objection_;
  bool over_ = false;
};

}  // namespace rotv::link
