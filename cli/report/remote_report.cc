#include "cli/report/remote_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/report/status_line.h"

namespace rotv::report {
namespace {

std::string Moment(int64_t time_us, int64_t now_us) {
  constexpr double kMicrosecondsPerSecond = 1e6;
  // The publisher's clock may be ahead of this one.
  const double age_s = static_cast<double>(std::max<int64_t>(0, now_us - time_us)) / kMicrosecondsPerSecond;
  return fmt::format("{}, {}", output::HumanAge(age_s), output::HumanTime(time_us));
}

std::string ByText(const Published& published, int64_t now_us) {
  return fmt::format("publication {} by {}, {}", output::HumanCount(published.number),
                     output::OneLine(published.publisher), Moment(published.published_us, now_us));
}

std::string LevelsText(const Published& published) {
  std::string text;
  for (const Published::Level& level : published.levels) {
    text += fmt::format("{}{} of {} ({})", text.empty() ? "" : ", ", output::Counted(level.steps, "step", "steps"),
                        output::Counted(level.publications, "publication", "publications"),
                        output::HumanBytes(level.bytes));
  }
  return text.empty() ? "none" : text;
}

output::Json PublishedJson(const Published& published) {
  output::Json levels = output::Json::array();
  for (const Published::Level& level : published.levels) {
    levels.push_back({{"publications", level.publications}, {"steps", level.steps}, {"bytes", level.bytes}});
  }
  return output::Json{
      {"published_as", published.source},
      {"publisher", published.publisher},
      {"signed_by", published.signed_by.empty() ? output::Json() : output::Json(published.signed_by)},
      {"published", output::IsoTime(published.published_us)},
      {"publication", published.number},
      {"generation", published.generation},
      {"baseline",
       output::Json{{"lsn", published.baseline.ToString()}, {"time", output::IsoTime(published.baseline_time_us)}}},
      {"head", output::Json{{"lsn", published.head.ToString()}, {"time", output::IsoTime(published.head_time_us)}}},
      {"snapshots", published.snapshots},
      {"base", output::Json{{"publication", published.base_number}, {"bytes", published.base_bytes}}},
      {"whole_bytes", published.whole_bytes},
      {"whole_objects", published.whole_objects},
      {"levels", levels},
      {"retired_bytes", published.retired_bytes},
      {"retired_objects", published.retired_objects}};
}

std::string LagText(const PublicationStatus& status) {
  if (!status.same_history && status.is_subset) {
    return fmt::format("it is of another baseline or another {}: rotv-sync publish publishes all of it",
                       status.section);
  }
  if (!status.same_history) return "the store here has another baseline: rotv-sync publish publishes all of it";
  if (status.here == status.published->head) return "the store here has no later state";
  return fmt::format("the store here is at {}, {} later", status.here.ToString(),
                     output::Counted(status.transactions, "transaction", "transactions"));
}

// What the place says is no reason to give others a key: theirs is the one of this home.
std::string SignedText(const PublicationStatus& status) {
  const std::string& signer = status.published->signed_by;
  if (!status.signs) return signer.empty() ? "" : StatusLine("signed", fmt::format("by {}", signer));
  const std::string ours = status.public_key.empty() ? "this home has none yet" : status.public_key;
  if (!signer.empty() && signer == status.public_key) {
    return StatusLine("signed", fmt::format("by this home; public_key for followers: {}", ours));
  }
  const std::string wrong = signer.empty() ? "NOT signed" : fmt::format("NOT signed by this home, but by {}", signer);
  return StatusLine("signed", wrong) + StatusLine("", fmt::format("the public key of this home: {}", ours));
}

}  // namespace

std::string PublicationText(const PublicationStatus& status, const std::string& name, int64_t now_us) {
  std::string text = StatusLine("remote", fmt::format("{}, {}", name, output::OneLine(status.place)));
  if (status.is_subset) {
    text += StatusLine("subset", fmt::format("{}, {} here", status.section, output::HumanBytes(status.subset_bytes)));
  }
  if (!status.published) return text + StatusLine("published", "nothing yet: rotv-sync publish");
  const Published& published = *status.published;
  text += StatusLine("published", ByText(published, now_us));
  if (!status.is_ours) text += StatusLine("", "that is not this machine: publish --take-over takes its place");
  text += SignedText(status);
  text += StatusLine("head", fmt::format("{} of {}, {}", published.head.ToString(), output::OneLine(published.source),
                                         Moment(published.head_time_us, now_us)));
  text += StatusLine(
      "baseline", fmt::format("{}, {}; {}", published.baseline.ToString(), Moment(published.baseline_time_us, now_us),
                              output::Counted(published.snapshots, "snapshot", "snapshots")));
  text += StatusLine("behind", LagText(status));
  text += StatusLine("size",
                     fmt::format("{} in {} for whoever has nothing; the base, of publication {}, is {} of it",
                                 output::HumanBytes(published.whole_bytes),
                                 output::Counted(published.whole_objects, "object", "objects"),
                                 output::HumanCount(published.base_number), output::HumanBytes(published.base_bytes)));
  text += StatusLine("levels", LevelsText(published));
  return text + StatusLine("retired", fmt::format("{} in {}, which stay for a time of grace",
                                                  output::HumanBytes(published.retired_bytes),
                                                  output::Counted(published.retired_objects, "object", "objects")));
}

std::string PublicationSummary(const PublicationStatus& status, const std::string& name, int64_t now_us) {
  std::string text = StatusLine("remote", fmt::format("{}, {}", name, output::OneLine(status.place)));
  if (!status.published) return text + StatusLine("published", fmt::format("nothing yet: rotv-sync publish {}", name));
  text += StatusLine("published", ByText(*status.published, now_us));
  if (!status.is_ours) text += StatusLine("", "that is not this machine: publish --take-over takes its place");
  return text + StatusLine("size", fmt::format("{} in {}; {}", output::HumanBytes(status.published->whole_bytes),
                                               output::Counted(status.published->whole_objects, "object", "objects"),
                                               LagText(status)));
}

output::Json PublicationJson(const PublicationStatus& status, const std::string& name) {
  return output::Json{
      {"remote", name},
      {"place", status.place},
      {"published", status.published ? PublishedJson(*status.published) : output::Json()},
      {"here", output::Json{{"lsn", status.here.ToString()}, {"time", output::IsoTime(status.here_time_us)}}},
      {"public_key", status.public_key.empty() ? output::Json() : output::Json(status.public_key)},
      {"is_ours", status.is_ours},
      {"same_history", status.same_history},
      {"subset_bytes", status.is_subset ? output::Json(status.subset_bytes) : output::Json()},
      {"unpublished_transactions", status.transactions}};
}

std::string FollowingText(const FollowingStatus& status, int64_t now_us) {
  std::string text = StatusLine("remote", output::OneLine(status.place));
  text += StatusLine("published", ByText(status.published, now_us));
  if (status.needs_all) {
    return text + StatusLine("behind", fmt::format("a pull takes all of it: {}", output::HumanBytes(status.bytes)));
  }
  if (status.publications == 0) return text + StatusLine("behind", "no: all that is published is here");
  return text + StatusLine("behind", fmt::format("{}, {} to take",
                                                 output::Counted(status.publications, "publication", "publications"),
                                                 output::HumanBytes(status.bytes)));
}

output::Json FollowingJson(const FollowingStatus& status) {
  return output::Json{{"place", status.place},
                      {"published", PublishedJson(status.published)},
                      {"needs_all", status.needs_all},
                      {"publications_behind", status.publications},
                      {"bytes_to_take", status.bytes}};
}

}  // namespace rotv::report
