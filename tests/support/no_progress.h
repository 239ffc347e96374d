// A Progress that shows nothing.

#pragma once

#include <cstdint>
#include <string_view>

#include "sync/context/progress.h"

namespace rotv::testing {

class NoProgress : public Progress {
 public:
  void Begin(std::string_view, Unit, uint64_t) override {}
  void Update(uint64_t) override {}
  void Detail(std::string_view) override {}
  void End() override {}
  void Warn(std::string_view) override {}
  void Say(std::string_view) override {}
  void Note(std::string_view) override {}
};

}  // namespace rotv::testing
