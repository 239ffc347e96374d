// What decoders throw for bytes that are none of theirs.

#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "storage/error.h"

namespace rotv {

// The test fails unless `action` throws kProtocol.
inline void ExpectProtocolError(const std::function<void()>& action) {
  try {
    action();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kProtocol);
  }
}

}  // namespace rotv
