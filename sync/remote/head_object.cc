#include "sync/remote/head_object.h"

#include <fmt/format.h>

#include "storage/compress.h"
#include "storage/error.h"
#include "storage/parse_message.h"
#include "sync/check/metadata_check.h"
#include "sync/formats/parsed_size.h"
#include "sync/remote/object_hash.h"

namespace rotv::remote {
namespace {

constexpr std::string_view kMagic = "rotv remote 1\n";
constexpr size_t kLargestHead = size_t{64} << 20;
constexpr size_t kMostParsedBytes = size_t{256} << 20;

constexpr size_t kBeforeContent = kMagic.size() + 2 * kHashBytes + 1;

[[noreturn]] void ThrowDamaged(const std::string& place, const std::string& what) {
  throw Error(ErrorCode::kCorrupt, fmt::format("the head of the remote {} is damaged: {}", place, what),
              "have it published anew: rotv-sync publish --take-over, on the machine that follows the source");
}

bool IsRight(const proto::RemoteStep& step) {
  for (const proto::RemoteObject& object : step.objects()) {
    if (object.hash().size() != kHashBytes || object.raw_bytes() == 0) return false;
  }
  return true;
}

// The steps lead from the oldest one to the head's number, one by one, and the base is among them.
bool IsWhole(const proto::RemoteHead& head) {
  if (head.number() == 0 || head.base().number() == 0 || head.base().number() > head.number()) return false;
  if (head.generation().size() != kHashBytes || !IsRight(head.base())) return false;
  uint64_t from_lsn = 0;
  uint64_t number = head.number() - static_cast<uint64_t>(head.changes_size());
  if (static_cast<uint64_t>(head.changes_size()) > head.number() || number > head.base().number()) return false;
  for (const proto::RemoteStep& step : head.changes()) {
    if (step.number() != ++number || step.from_lsn() < from_lsn || !IsRight(step)) return false;
    from_lsn = step.from_lsn();
  }
  const proto::Manifest& state = head.state();
  return from_lsn <= state.durable_lsn() && state.kept_from_lsn() <= state.head_lsn() &&
         state.log_from_lsn() <= state.durable_lsn() && !state.unfinished() &&
         GenerationOf(state) == head.generation() && check::ManifestProblems(state).empty();
}

}  // namespace

std::string PackHead(const proto::RemoteHead& head) {
  const std::string packed = ZstdCompress(head.SerializeAsString());
  return fmt::format("{}{}\n", kMagic, HashText(HashOf(packed))) + packed;
}

bool IsIntactHead(std::string_view bytes) {
  if (!bytes.starts_with(kMagic) || bytes.size() < kBeforeContent) return false;
  const std::string hash = HashText(HashOf(bytes.substr(kBeforeContent)));
  return bytes.substr(kMagic.size(), 2 * kHashBytes + 1) == hash + "\n";
}

proto::RemoteHead ParseHead(std::string_view bytes, const std::string& place) {
  if (!bytes.starts_with(kMagic.substr(0, kMagic.size() - 2)) || bytes.size() < kBeforeContent) {
    ThrowDamaged(place, "it does not begin like one");
  }
  if (!bytes.starts_with(kMagic)) {
    throw Error(ErrorCode::kUsage, fmt::format("the remote {} is of a later format", place),
                "use the newer rotv-sync that wrote it");
  }
  if (!IsIntactHead(bytes)) ThrowDamaged(place, "its hash is wrong");
  const std::string raw = ZstdDecompress(bytes.substr(kBeforeContent), kLargestHead);
  proto::RemoteHead head;
  if (!formats::FitsWhenParsed(*proto::RemoteHead::descriptor(), raw, kMostParsedBytes) || !ParseMessage(raw, &head)) {
    ThrowDamaged(place, "it cannot be understood");
  }
  if (head.format() > kRemoteFormat) {
    throw Error(ErrorCode::kUsage,
                fmt::format("the remote {} has format {}, this program knows {}", place, head.format(), kRemoteFormat),
                "use the newer rotv-sync that wrote it");
  }
  if (!IsWhole(head)) ThrowDamaged(place, "its parts do not belong together");
  return head;
}

std::string GenerationOf(const proto::Manifest& manifest) {
  return HashOf(fmt::format("{}\n{}\n{}\n{}\n", manifest.source().system_id(), manifest.slot(), manifest.baseline_lsn(),
                            manifest.baseline_time_us()));
}

}  // namespace rotv::remote
