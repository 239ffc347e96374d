#include "sync/verify.h"

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/launch/seed_file.h"
#include "cli/launch/warm_clusters.h"
#include "cli/program/compact_afterwards.h"
#include "cli/report/verify_report.h"
#include "cli/rotv_sync/command.h"
#include "storage/error.h"

namespace rotv {
namespace {

int RunVerify(const program::Session& session, const VerifyRequest& request, bool no_retry) {
  Context context = session.context;
  context.retry = !no_retry;
  VerifyResult result = Verify(context, request);
  session.output.Result(report::VerifyText(result, session.context.source.name), report::VerifyJson(result));
  program::CompactAfterwards(context, result.compaction_owed);
  return result.differing() == 0 ? 0 : static_cast<int>(ErrorCode::kFindings);
}

}  // namespace

program::SyncCommand DeclareVerify(CLI::App& app) {
  app.description("Prove that the store equals the source, without dumping it");
  app.footer(
      "Pulls, then compares hashes that the source and the store compute over the same rows at the same\n"
      "LSN. No rows are transferred; differences are listed by key. Exits with 7 if there are any.\n"
      "The source reads each table once: docs/verify.md says what that costs there.\n\n"
      "Examples:\n"
      "  rotv-sync verify\n"
      "  rotv-sync verify --table public.visits --table 'public.\"Odd Name\"'\n"
      "  rotv-sync verify --repair          # copies only what differs");
  auto request = std::make_shared<VerifyRequest>();
  auto repair = std::make_shared<bool>(false);
  app.add_option("--table", request->tables, "Only this table; may be given several times")->type_name("TABLE");
  app.add_flag("--repair", *repair, "Copy the differing rows from the source, and compare again");
  auto no_retry = std::make_shared<bool>(false);
  AddNoRetry(app, no_retry.get());
  auto run = [request, repair, no_retry](const program::Session& session) {
    request->repair = *repair ? Repair::kRows : Repair::kNo;
    int status = RunVerify(session, *request, *no_retry);
    if (*repair) {  // The rows at this LSN are different now.
      launch::ForgetSeeds(session.context.home);
      launch::WarmClusters(session.context.home).RemoveOf(session.context.source.name);
    }
    return status;
  };
  return {run, nullptr};
}

}  // namespace rotv
