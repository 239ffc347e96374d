// A fuzz target is a function of any bytes that checks claims about them. libFuzzer runs one (the preset fuzz); the
// test program fuzz_test has all of them, and feeds them what is in corpus/ and regressions/.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rotv {

struct FuzzTarget {
  const char* name;  // That of its folders in corpus/ and regressions/.
  void (*run)(std::string_view bytes);
};

// The targets that are linked into this program.
inline std::vector<FuzzTarget>& AllFuzzTargets() {
  static std::vector<FuzzTarget> all;
  return all;
}

struct FuzzTargetAdder {
  FuzzTargetAdder(const char* name, void (*run)(std::string_view)) { AllFuzzTargets().push_back({name, run}); }
};

}  // namespace rotv

// ROTV_FUZZ_TARGET(pgoutput, CheckMessage) in a source file, outside of all namespaces.
#ifdef ROTV_LIBFUZZER
#define ROTV_FUZZ_TARGET(name, function)                                    \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) { \
    function(std::string_view(reinterpret_cast<const char*>(data), size));  \
    return 0;                                                               \
  }
#else
#define ROTV_FUZZ_TARGET(name, function) static const rotv::FuzzTargetAdder k_adder_of_##name(#name, function);
#endif
