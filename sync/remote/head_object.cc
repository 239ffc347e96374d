#include "sync/remote/head_object.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "storage/compress.h"
#include "storage/error.h"
#include "storage/parse_message.h"
#include "sync/check/metadata_check.h"
#include "sync/formats/parsed_size.h"
#include "sync/remote/head_frame.h"
#include "sync/remote/object_hash.h"
#include "sync/remote/segment_object.h"
#include "sync/remote/step_path.h"

namespace rotv::remote {
namespace {

constexpr size_t kLargestHead = size_t{64} << 20;
constexpr size_t kMostParsedBytes = size_t{256} << 20;

// Returns nullopt if neither the head is sealed nor there is a key.
std::optional<std::string> OpenHead(std::string_view packed, bool is_sealed, const std::string& place,
                                    const TeamKey* key) {
  if (key == nullptr) {
    if (!is_sealed) return std::nullopt;
    throw Error(ErrorCode::kUsage, fmt::format("the remote {} is encrypted, and no key is named", place),
                "have the key from the machine that publishes, and name it: key = \"~/.rotv/team.key\"");
  }
  if (!is_sealed) {
    // Whoever may write there could otherwise have people take what he likes.
    throw Error(ErrorCode::kCorrupt, fmt::format("the remote {} is not encrypted with the key that is named", place),
                "have it published under the key: rotv-sync publish --take-over; or remove the key from rotv.toml");
  }
  std::optional<std::string> opened = key->Open(TeamKey::Role::kHead, packed);
  if (!opened) {
    throw Error(ErrorCode::kCorrupt, fmt::format("the key does not fit the remote {}, or its head is forged", place),
                "compare the key with that of the machine that publishes");
  }
  return opened;
}

bool IsRight(const proto::RemoteStep& step) {
  for (const proto::RemoteObject& object : step.objects()) {
    // What zstd and a seal add at most. Costs and sizes are added up: a greater one could make a sum small again.
    const uint64_t most = object.raw_bytes() + object.raw_bytes() / 128 + 1024;
    if (object.hash().size() != kHashBytes || object.raw_bytes() == 0) return false;
    if (object.raw_bytes() > kLargestRaw || object.bytes() > most) return false;
  }
  return true;
}

// The marks of publications. What is asked of a state goes by its number, so none may go back.
class Marks {
 public:
  void Add(const proto::RemoteMark& mark) { marks_.push_back(&mark); }
  bool AreInOrder() {
    std::stable_sort(marks_.begin(), marks_.end(), [](auto* a, auto* b) { return a->number() < b->number(); });
    for (size_t i = 1; i < marks_.size(); ++i) {
      const proto::RemoteMark& before = *marks_[i - 1];
      const proto::RemoteMark& mark = *marks_[i];
      const bool same = before.number() == mark.number();
      if (mark.durable_lsn() < before.durable_lsn() || mark.head_lsn() < before.head_lsn()) return false;
      if (same && (mark.durable_lsn() != before.durable_lsn() || mark.head_lsn() != before.head_lsn())) return false;
    }
    return true;
  }

 private:
  std::vector<const proto::RemoteMark*> marks_;
};

// The steps are in order, and lead from the base to the head.
bool AreInOrder(const proto::RemoteHead& head) {
  const proto::RemoteMark end = MarkOf(head);
  Marks marks;
  marks.Add(end);
  marks.Add(head.base().to());
  uint64_t number = 0;
  for (const proto::RemoteStep& step : head.changes()) {
    if (step.to().number() < number || step.from().number() >= step.to().number() || !IsRight(step)) return false;
    number = step.to().number();
    marks.Add(step.from());
    marks.Add(step.to());
  }
  return number <= head.number() && marks.AreInOrder() && PathFromNothing(head).has_value();
}

bool IsWhole(const proto::RemoteHead& head) {
  const proto::RemoteStep& base = head.base();
  if (base.to().number() == 0 || base.to().number() > head.number()) return false;
  if (head.generation().size() != kHashBytes || !IsRight(base) || base.has_from()) return false;
  const proto::Manifest& state = head.state();
  return AreInOrder(head) && state.kept_from_lsn() <= state.head_lsn() && state.log_from_lsn() <= state.durable_lsn() &&
         !state.unfinished() && GenerationOf(state) == head.generation() && check::ManifestProblems(state).empty();
}

}  // namespace

std::string PackHead(const proto::RemoteHead& head, const TeamKey* key, const SigningKey* signing) {
  std::string packed = ZstdCompress(head.SerializeAsString());
  if (key != nullptr) packed = key->Seal(TeamKey::Role::kHead, packed);
  return FrameHead(packed, key == nullptr ? Sealed::kNo : Sealed::kYes, signing);
}

proto::RemoteHead ParseHead(std::string_view bytes, const std::string& place, const TeamKey* key) {
  const HeadFrame frame = OpenFrame(bytes, place);
  std::string_view packed = frame.content;
  const std::optional<std::string> opened = OpenHead(packed, frame.is_sealed, place, key);
  if (opened) packed = *opened;
  const std::string raw = ZstdDecompress(packed, kLargestHead);
  proto::RemoteHead head;
  if (!formats::FitsWhenParsed(*proto::RemoteHead::descriptor(), raw, kMostParsedBytes) || !ParseMessage(raw, &head)) {
    ThrowDamagedHead(place, "it cannot be understood");
  }
  if (head.format() > kRemoteFormat) {
    throw Error(ErrorCode::kUsage,
                fmt::format("the remote {} has format {}, this program knows {}", place, head.format(), kRemoteFormat),
                "use the newer rotv-sync that wrote it");
  }
  if (!IsWhole(head)) ThrowDamagedHead(place, "its parts do not belong together");
  return head;
}

FollowerKeys KeysOf(const SourceConfig& follower) {
  return {.team = ReadTeamKey(follower.remote_key), .signers = follower.remote_signers};
}

FoundHead ReadHeadOf(RemotePlace& place, const FollowerKeys& keys) {
  if (const std::optional<std::string> stored = place.ReadHead()) {
    RequireSigner(*stored, place.description(), keys.signers);
    const HeadFrame frame = OpenFrame(*stored, place.description());
    return {.head = ParseHead(*stored, place.description(), keys.team_key()),
            .signer = frame.signer,
            .is_sealed = frame.is_sealed};
  }
  throw Error(ErrorCode::kUsage, fmt::format("nothing is published in {} yet", place.description()),
              "on the machine that follows the source: rotv-sync publish");
}

std::string GenerationOf(const proto::Manifest& manifest) {
  return HashOf(fmt::format("{}\n{}\n{}\n{}\n", manifest.source().system_id(), manifest.slot(), manifest.baseline_lsn(),
                            manifest.baseline_time_us()));
}

}  // namespace rotv::remote
