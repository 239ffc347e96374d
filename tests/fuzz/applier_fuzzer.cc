// Any messages, in any order, are applied as whole transactions or refused: decoder, applier and row codec together. An
// input is a sequence of messages of pgoutput, each after its length in two bytes; after a length of 0 comes the number
// of a captured message.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/stream_world.h"
#include "tests/sync/formats/captured_file.h"

namespace {

std::vector<std::string> Captured() {
  std::vector<std::string> messages;
  for (const rotv::CapturedMessage& message : rotv::ReadCapturedMessages()) messages.push_back(message.bytes);
  return messages;
}

void CheckStream(std::string_view bytes) {
  static const std::vector<std::string> captured = Captured();
  static rotv::StreamWorld world(captured);
  std::vector<std::string> messages;
  for (rotv::FuzzInput input(bytes); !input.empty();) {
    const size_t high = input.Byte();
    const size_t length = high << 8 | input.Byte();
    if (length != 0) {
      messages.emplace_back(input.Bytes(length));
    } else if (!input.empty()) {
      messages.push_back(captured[input.Byte() % captured.size()]);
    }
  }
  world.Run(messages);
}

}  // namespace

ROTV_FUZZ_TARGET(applier, CheckStream)
