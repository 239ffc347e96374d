#include "sync/check_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "os/clock.h"
#include "storage/error.h"
#include "storage/row_store.h"
#include "storage/salvage.h"
#include "storage/store_view.h"
#include "storage/workspace.h"
#include "sync/check/store_check.h"
#include "sync/context/open_workspace.h"
#include "sync/gc.h"
#include "sync/postgres/owned_objects.h"
#include "sync/postgres/source_session.h"
#include "sync/pull.h"

// A check looks at files in a view of the stores, and needs nothing else. A repair is two steps, each of which may be
// killed. First the damaged store is replaced by what can be saved of it (storage/salvage), in which no state is served
// that lacks rows; then a pull resyncs the tables that need it. What lies between the two is an ordinary store with
// tables in must_copy, so that any pull does the second step.

namespace rotv {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using check::Finding;
using check::Fix;

uint64_t BytesIn(const fs::path& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(directory, error)) {
    if (entry.is_regular_file(error)) bytes += entry.file_size(error);
  }
  return bytes;
}

bool IsTheSources(const Error& error) {
  return error.code() == ErrorCode::kUnreachable || error.code() == ErrorCode::kRefused ||
         error.code() == ErrorCode::kSlotLost || error.code() == ErrorCode::kUsage;
}

class SourceCheck {
 public:
  SourceCheck(const Context& context, const CheckRequest& request) : context_(context), request_(request) {
    result_.source = context.source.name;
  }

  CheckResult Run() {
    const Clock::time_point start = Clock::now();
    if (!fs::is_directory(SourceDirectory(context_.home, context_.source.name))) {
      throw Error(ErrorCode::kUsage, fmt::format("nothing is stored of a source {}", context_.source.name),
                  "rotv-sync status names the sources");
    }
    if (request_.repair) {
      CheckAndRepair();
    } else {
      LookAtView();
    }
    result_.seconds = os::SecondsSince(start);
    return std::move(result_);
  }

 private:
  // Looks beside a process that writes. Where no view can be made, the lock keeps writers out.
  void LookAtView() {
    const fs::path directory = SourceDirectory(context_.home, context_.source.name);
    std::optional<StoreView> view = StoreView::Make(directory);
    const auto read = [this] {
      std::vector<std::string> names;
      for (const StoreDirectory& store : FindStores()) {
        if (RoleOf(store)) names.push_back(store.path.filename());
      }
      return names;
    };
    if (view && view->Take(read)) return LookAt(view->path());
    view.reset();
    const SourceLock lock = LockSource(context_, "check");
    Look();
  }

  void Look() {
    FindStores();
    LookAt(SourceDirectory(context_.home, context_.source.name));
  }

  // The role of a store that is checked.
  static std::optional<CheckedStore::Role> RoleOf(const StoreDirectory& store) {
    if (store.role == StoreDirectory::Role::kCurrent) return CheckedStore::Role::kCurrent;
    if (store.role == StoreDirectory::Role::kKept) return CheckedStore::Role::kKept;
    return std::nullopt;
  }

  // Reads the records, and says which stores they name; none if nothing says that.
  const std::vector<StoreDirectory>& FindStores() {
    result_.records.clear();
    stores_.clear();
    if (ReadRecords()) stores_ = StoresOf(context_.home, context_.source.name, current_);
    return stores_;
  }

  // Checks the stores that were found, in a directory that has them under their names.
  void LookAt(const fs::path& directory) {
    for (const StoreDirectory& store : stores_) {
      context_.interrupt.Check();
      if (const auto role = RoleOf(store)) AddStore(directory / store.path.filename(), *role);
      if (store.role == StoreDirectory::Role::kUnknown) result_.orphans.push_back({store.path, BytesIn(store.path)});
    }
    if (current_ || result_.orphans.empty()) return;
    AddRecord("current", "it is missing, but there are stores", "nothing says which store is in use");
  }

  // Returns false if nothing says which stores there are.
  bool ReadRecords() {
    try {
      current_ = ReadCurrent(context_.home, context_.source.name);
      result_.has_baseline = current_.has_value();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCorrupt) throw;
      AddRecord("current", "its content does not have its checksum", "nothing says which store is in use");
      return false;
    }
    try {
      (void)ReadOwnedObjects(context_.home, context_.source.name);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCorrupt) throw;
      AddRecord("owned", "its content does not have its checksum",
                "what was made on the source and is to be removed there may not be known any more; no rows");
    }
    return true;
  }

  void AddRecord(const char* name, const std::string& problem, const std::string& meaning) {
    result_.records.push_back({.file = SourceDirectory(context_.home, context_.source.name) / name,
                               .problem = problem,
                               .meaning = meaning,
                               .fix = Fix::kRestore});
  }

  void AddStore(const fs::path& path, CheckedStore::Role role) {
    check::StoreReport report =
        check::CheckStore({.path = path, .read_percent = request_.read_percent}, context_.progress, context_.interrupt);
    report.path = WithoutViews(report.path);
    for (Finding& finding : report.findings) {
      finding.file = WithoutViews(finding.file);
      finding.problem = WithoutViews(finding.problem);
    }
    result_.stores.push_back({role, std::move(report)});
  }

  void CheckAndRepair() {
    std::optional<Workspace> workspace;
    try {
      workspace.emplace(OpenWorkspace(context_, "check"));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCorrupt) throw;
      const SourceLock lock = LockSource(context_, "check");  // The records are damaged: nothing can be repaired.
      return Look();
    }
    Look();
    for (CheckedStore& store : result_.stores) {
      if (!CanBeRepaired(store)) continue;
      if (!store.report.damaged.empty()) ReplaceStore(*workspace, store);
      if (store.role == CheckedStore::Role::kCurrent) BringUpToDate(*workspace);
      for (Finding& finding : store.report.findings) {
        finding.repaired = store.role != CheckedStore::Role::kCurrent || result_.not_copied.empty();
        if (!finding.repaired) finding.fix = Fix::kPull;
      }
    }
  }

  static bool CanBeRepaired(const CheckedStore& store) {
    const std::vector<Finding>& findings = store.report.findings;
    return !findings.empty() && std::all_of(findings.begin(), findings.end(), [](const Finding& finding) {
      return finding.fix == Fix::kRepair || finding.fix == Fix::kPull;
    });
  }

  void ReplaceStore(Workspace& workspace, const CheckedStore& store) {
    const fs::path& damaged = store.report.path;
    context_.progress.Begin("saving what can be read", Progress::Unit::kItems, 0);
    const fs::path repaired = workspace.MakeRepairedDirectory(damaged);
    const SalvageResult saved = Salvage({.from = damaged, .to = repaired, .damaged = store.report.damaged});
    RowStore::Open(repaired, RowStore::Mode::kReadWrite);  // Seals it.
    const fs::path aside = workspace.Replace(damaged, repaired);
    context_.progress.End();
    result_.repaired.push_back({.store = repaired, .kept_aside = aside, .log_lost = saved.log_lost});
  }

  // A pull copies the tables that lack rows, and seals the store.
  void BringUpToDate(Workspace& workspace) {
    std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadWrite);
    if (store->manifest().must_copy().empty()) return;
    if (store->manifest().imported()) {
      result_.not_copied = "the source was imported from a file: import it again";
      return;
    }
    if (store->manifest().has_remote()) {
      result_.not_copied = "it follows a remote: pull takes all of it again";
      return;
    }
    try {
      postgres::SourceSession session(context_, workspace.RunDirectory(),
                                      postgres::SourceSession::Connections::kAlsoReplication);
      postgres::RemoveAndTellLeftovers(session, workspace);
      const PullResult pulled = Pull(session, *store);
      CollectGarbageIfLarge(context_, *store);
      result_.copied = pulled.copied;
      result_.head = pulled.to;
    } catch (const Error& error) {
      if (!IsTheSources(error)) throw;
      result_.not_copied = error.what();
    }
  }

  const Context& context_;
  const CheckRequest& request_;
  std::optional<proto::CurrentStore> current_;
  std::vector<StoreDirectory> stores_;
  CheckResult result_;
};

}  // namespace

uint64_t CheckResult::damages() const {
  const auto count = [](const std::vector<Finding>& findings) {
    return static_cast<uint64_t>(
        std::count_if(findings.begin(), findings.end(), [](const Finding& finding) { return !finding.repaired; }));
  };
  uint64_t all = count(records);
  for (const CheckedStore& store : stores) all += count(store.report.findings);
  return all;
}

CheckResult CheckStored(const Context& context, const CheckRequest& request) {
  return SourceCheck(context, request).Run();
}

std::vector<std::string> StoredSources(const fs::path& home) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(home / "sources", error)) {
    const std::string name = entry.path().filename();
    if (IsSourceName(name) && entry.is_directory(error)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace rotv
