// pull --all: every source, one after the other.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/program/compact_afterwards.h"
#include "cli/rotv_sync/command.h"
#include "storage/error.h"

namespace rotv {
namespace {

class AllSources {
 public:
  AllSources(const program::Session& session, const PullFlags& flags) : session_(session), flags_(flags) {}

  void PullOne(const SourceConfig& source) {
    const Context context{source, session_.context.home, session_.progress, session_.context.interrupt};
    const program::Session own{context,        session_.progress, session_.output,          session_.verbosity,
                               session_.style, session_.sources,  session_.source_is_named, session_.seed_compression,
                               session_.call};
    program::Hooks hooks(session_.call, source.name);
    if (!hooks.PingsEachSource()) hooks.LeavePing();
    try {
      hooks.Around([&] {
        const Pulled pulled = Pull(own, flags_);
        Print(pulled.text);
        documents_.push_back({{"source", source.name}, {"result", pulled.document}});
        program::CompactAfterwards(context, pulled.compaction_owed);
        hooks.AfterPull(pulled.document);
        return 0;
      });
    } catch (const std::exception&) {
      Note(source.name, program::ErrorOf(std::current_exception(), "rotv-sync"));
    }
    all_is_well_ = all_is_well_ && hooks.all_is_well();
  }

  int Finish() {
    program::Hooks hooks(session_.call, "all sources");
    if (!hooks.PingsEachSource()) hooks.Ping(all_is_well_);
    if (IsJson()) session_.output.Result("", output::Json{{"sources", documents_}});
    return first_failure_;
  }

 private:
  bool IsJson() const { return session_.output.form() == output::Output::Form::kJson; }
  void Print(const std::string& text) {
    if (!IsJson()) session_.output.Part(text);
  }

  void Note(const std::string& source, const Error& error) {
    // Ctrl-C ends them all.
    session_.context.interrupt.Check();
    if (error.code() == ErrorCode::kInterrupted) throw Error(error);
    if (first_failure_ == 0) first_failure_ = static_cast<int>(error.code());
    if (!IsJson()) {
      session_.output.Failure(Error(error.code(), fmt::format("{}: {}", source, error.what()), error.hint()));
    }
    output::Json document{{"source", source}};
    document.update(session_.output.ErrorDocument(error));
    documents_.push_back(std::move(document));
  }

  const program::Session& session_;
  const PullFlags& flags_;
  output::Json documents_ = output::Json::array();
  int first_failure_ = 0;
  bool all_is_well_ = true;
};

}  // namespace

int PullAll(const program::Session& session, const PullFlags& flags) {
  if (session.source_is_named) {
    throw Error(ErrorCode::kUsage, "--all and --source exclude each other", "leave out the one or the other");
  }
  AllSources all(session, flags);
  bool any = false;
  for (const SourceConfig& source : session.sources) {
    if (source.imported) continue;
    any = true;
    all.PullOne(source);
  }
  if (!any) throw Error(ErrorCode::kUsage, "every source was imported from a file: there is nothing to pull", "");
  return all.Finish();
}

}  // namespace rotv
