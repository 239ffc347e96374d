#include "sync/publish.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/program/publishing.h"
#include "cli/report/remote_report.h"
#include "cli/rotv_sync/command.h"
#include "os/clock.h"
#include "storage/error.h"

namespace rotv {
namespace {

struct PublishFlags {
  std::string remote;
  bool take_over = false;
  bool status = false;
};

RemoteConfig Choose(const program::Session& session, const std::string& asked) {
  const std::string& source = session.context.source.name;
  const std::vector<RemoteConfig> remotes = program::RemotesOf(session);
  std::vector<std::string> names;
  for (const RemoteConfig& remote : remotes) {
    if (remote.name == asked || (asked.empty() && remotes.size() == 1)) return remote;
    names.push_back(remote.name);
  }
  if (names.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("rotv.toml has no remote for {}", source),
                "add [remotes.team] with url = \"/srv/history/" + source + "\"");
  }
  throw Error(ErrorCode::kUsage,
              asked.empty() ? fmt::format("{} has several remotes", source)
                            : fmt::format("{} has no remote \"{}\"", source, asked),
              fmt::format("name one: rotv-sync publish {}", fmt::join(names, " | ")));
}

std::string PublishText(const PublishResult& result, const std::string& source) {
  std::string text;
  if (result.up_to_date) {
    text = fmt::format("{} has {} as it is here, at {}.\n", result.place, source, result.head.ToString());
  } else {
    text = fmt::format(
        "Published {} at {} in {}: {}, {} in {} ({}).\n", source, result.head.ToString(), result.place,
        result.whole ? std::string("everything") : output::Counted(result.transactions, "transaction", "transactions"),
        output::HumanBytes(result.bytes), output::Counted(result.objects, "object", "objects"),
        output::HumanDuration(result.seconds));
  }
  if (result.whole && !result.public_key.empty()) {
    text +=
        fmt::format("It is signed. Each follower needs, told by another way than the remote:\npublic_key = \"{}\"\n",
                    result.public_key);
  }
  if (result.removed > 0) {
    text += fmt::format("Removed {} that no follower needs any more.\n",
                        output::Counted(result.removed, "object", "objects"));
  }
  return text;
}

output::Json PublishJson(const PublishResult& result, const RemoteConfig& remote) {
  return output::Json{{"remote", remote.name},
                      {"place", result.place},
                      {"lsn", result.head.ToString()},
                      {"publication", result.number},
                      {"up_to_date", result.up_to_date},
                      {"whole", result.whole},
                      {"versions", result.versions},
                      {"transactions", result.transactions},
                      {"objects", result.objects},
                      {"bytes", result.bytes},
                      {"removed", result.removed},
                      {"public_key", result.public_key.empty() ? output::Json() : output::Json(result.public_key)},
                      {"seconds", result.seconds}};
}

int RunPublish(const program::Session& session, const PublishFlags& flags) {
  const RemoteConfig remote = Choose(session, flags.remote);
  if (flags.status) {
    const PublicationStatus status = StatusOfPublication(session.context, remote);
    session.output.Result(report::PublicationText(status, remote.name, os::NowMicroseconds()),
                          report::PublicationJson(status, remote.name));
    return 0;
  }
  program::Hooks hooks(session.call, session.context.source.name);
  return hooks.Around([&] {
    const PublishResult result = Publish(session.context, remote, flags.take_over ? TakeOver::kYes : TakeOver::kNo);
    const output::Json document = PublishJson(result, remote);
    session.output.Result(PublishText(result, session.context.source.name), document);
    hooks.AfterPublish(document);
    return 0;
  });
}

}  // namespace

void PublishAfterPull(const program::Session& session, PublishTo to, program::Hooks& hooks) {
  if (!session.context.source.remote.empty()) return;  // It is published elsewhere.
  for (const RemoteConfig& remote : program::RemotesOf(session)) {
    if (to != PublishTo::kAll && !remote.publish) continue;
    try {
      const PublishResult result = Publish(session.context, remote, TakeOver::kNo);
      session.progress.Say(fmt::format("published in {}: {}", result.place,
                                       result.up_to_date ? "nothing is new" : output::HumanBytes(result.bytes)));
      hooks.AfterPublish(PublishJson(result, remote));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInterrupted) throw;
      session.progress.Warn(
          fmt::format("the pull is done, but {} was not published to: {}", remote.name, error.what()));
      hooks.PartFailed(error);
    }
  }
}

program::SyncCommand DeclarePublish(CLI::App& app) {
  app.description("Publish what is new, for others to follow without access to the source");
  app.footer(
      "Who follows has  [sources.NAME]  remote = \"/srv/history/production\"  in rotv.toml, and pulls.\n"
      "A scheduled pull publishes where [remotes.NAME] has publish = true. Snapshots are published too,\n"
      "but for those that \"snapshots\" there does not list.\n\n"
      "Examples:\n"
      "  rotv-sync publish\n"
      "  rotv-sync publish team\n"
      "  rotv-sync publish --status\n"
      "  rotv-sync publish --take-over      # from now on this machine publishes there");
  auto flags = std::make_shared<PublishFlags>();
  app.add_option("remote,--remote", flags->remote, "One of [remotes] (default: the only one)")->type_name("REMOTE");
  CLI::Option* take_over = app.add_flag("--take-over", flags->take_over, "Publish where another machine did until now");
  app.add_flag("--status", flags->status, "Publish nothing: say what is published, by whom, and what of it is not yet")
      ->excludes(take_over);
  return {.run = [flags](const program::Session& session) { return RunPublish(session, *flags); },
          .only_reads = [flags] { return flags->status; }};
}

}  // namespace rotv
