// Catches the error that an action throws.

#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "storage/error.h"

namespace rotv::testing {

// The error that `action` throws; a test failure and an Error(kBug) if it throws none.
inline Error ErrorOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorCode::kBug, "");
}

inline ErrorCode CodeOf(const std::function<void()>& action) { return ErrorOf(action).code(); }

}  // namespace rotv::testing
