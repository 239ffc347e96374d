// Which sanitizer this test is built with. GCC and clang have a way each to say it.

#pragma once

#ifdef __has_feature  // Clang's.
#if __has_feature(address_sanitizer)
#define ROTV_BY_ADDRESS_SANITIZER
#elif __has_feature(thread_sanitizer)
#define ROTV_BY_THREAD_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ROTV_BY_ADDRESS_SANITIZER
#elif defined(__SANITIZE_THREAD__)
#define ROTV_BY_THREAD_SANITIZER
#endif

namespace rotv::testing {

#ifdef ROTV_BY_ADDRESS_SANITIZER
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif

#ifdef ROTV_BY_THREAD_SANITIZER
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif

}  // namespace rotv::testing
