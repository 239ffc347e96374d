// toml++, with assertions that throw. It takes for granted that a table's name begins like one: for "[=" in a file its
// assertion ends the program, and in a build without assertions the compiler may do anything.

#pragma once

#include <exception>

namespace rotv::config {

// Thrown while a text is parsed that toml++ did not expect: it is no TOML.
class TomlAssertion : public std::exception {
 public:
  const char* what() const noexcept override { return "this is not TOML"; }
};

[[noreturn]] inline void ThrowTomlAssertion() { throw TomlAssertion(); }

}  // namespace rotv::config

#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : ::rotv::config::ThrowTomlAssertion())
#include <toml++/toml.h>  // IWYU pragma: export
#pragma pop_macro("NDEBUG")
