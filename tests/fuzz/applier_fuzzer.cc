// Any messages, in any order, are applied as whole transactions or refused: decoder, applier and row codec together. An
// input is a sequence of messages of pgoutput, each after its length in two bytes; after a length of 0 comes the number
// of a captured message.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/stream_world.h"
#include "tests/sync/formats/captured_file.h"

namespace {

std::vector<std::string> Captured() {
  std::vector<std::string> messages;
  for (const rotv::CapturedMessage& message : rotv::ReadCapturedMessages()) messages.push_back(message.bytes);
  return messages;
}

constexpr size_t kLengthBytes = 2;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<std::string> captured = Captured();
  static rotv::StreamWorld world(captured);
  std::vector<std::string> messages;
  const char* bytes = reinterpret_cast<const char*>(data);
  for (size_t at = 0; at + kLengthBytes <= size;) {
    const size_t length = static_cast<size_t>(data[at]) << 8 | data[at + 1];
    at += kLengthBytes;
    if (length == 0) {
      if (at < size) messages.push_back(captured[data[at++] % captured.size()]);
      continue;
    }
    const size_t taken = std::min(length, size - at);
    messages.emplace_back(bytes + at, taken);
    at += taken;
  }
  world.Run(messages);
  return 0;
}
