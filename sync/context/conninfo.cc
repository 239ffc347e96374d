#include "sync/context/conninfo.h"

#include <libpq-fe.h>

#include <memory>

namespace rotv {

Conninfo ParseConninfo(const std::string& text) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(text.c_str(), &error),
                                                                             &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> error_owner(error, &PQfreemem);
  Conninfo conninfo;
  if (options == nullptr) {
    conninfo.error = error != nullptr ? error : "out of memory";
    while (conninfo.error.ends_with('\n')) conninfo.error.pop_back();
    return conninfo;
  }
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) conninfo.values[option->keyword] = option->val;
  }
  return conninfo;
}

std::string ValueOf(const Conninfo& conninfo, const std::string& keyword) {
  const auto found = conninfo.values.find(keyword);
  return found == conninfo.values.end() ? "" : found->second;
}

}  // namespace rotv
