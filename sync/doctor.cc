#include "sync/doctor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <future>
#include <memory>

#include "os/temporary_directory.h"
#include "storage/free_space.h"
#include "storage/row_store.h"
#include "storage/size_text.h"
#include "storage/workspace.h"
#include "sync/capture/disk_room.h"
#include "sync/capture/preflight.h"
#include "sync/capture/trial.h"
#include "sync/history/growth.h"
#include "sync/mask/fit.h"
#include "sync/mask/mask_plan.h"
#include "sync/mask/stored_lineage.h"
#include "sync/mask/stored_mask.h"
#include "sync/postgres/found_objects.h"
#include "sync/postgres/standby.h"
#include "sync/remote_status.h"
#include "sync/schema/broken_references.h"
#include "sync/schema/schema_version.h"

namespace rotv {
namespace {

// The disk's last days are worth a warning.
constexpr uint64_t kWarnDays = 30;
constexpr uint64_t kDaysToTell = 3650;

// Adds to `check` how long the disk lasts if the store grows as it did.
void TellHowLongItLasts(const Context& context, const FreeSpace& space, capture::Check* check) {
  const Workspace workspace(context.home, context.source.name, "doctor", Access::kRead);
  const std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadOnly);
  const std::optional<uint64_t> growth = history::GrowthPerDay(*store);
  if (!growth || *growth == 0) return;
  const uint64_t days = space.usable() / *growth;
  if (days > kDaysToTell) return;
  check->message +=
      fmt::format("; the disk lasts about {} {} at {} a day", days, days == 1 ? "day" : "days", SizeText(*growth));
  if (days > kWarnDays) return;
  check->outcome = capture::Check::Outcome::kWarning;
  check->fix = fmt::format("rotv-sync --source {} gc --keep-days 7, or free space on the disk that holds {}",
                           context.source.name, context.home.string());
}

capture::Check CheckDisk(const Context& context, const postgres::Catalog& catalog,
                         const std::optional<proto::CurrentStore>& current) {
  capture::Check check{.outcome = capture::Check::Outcome::kOk, .name = "disk", .message = {}};
  const std::optional<FreeSpace> space = FreeSpaceOf(context.home);
  if (!space) return check = {.name = "disk", .message = "it is not known how much is free"};
  const capture::RoomForBaseline room =
      capture::EstimateBaseline(catalog, schema::DescribeSchema(catalog, context.source, ShapeMap()).schema);
  check.message = fmt::format("{} free; a baseline takes about {}", SizeText(space->usable()), SizeText(room.about));
  if (space->usable() < room.most) {
    const bool fits = space->usable() >= room.least;
    check.outcome = fits ? capture::Check::Outcome::kWarning : capture::Check::Outcome::kProblem;
    check.code = ErrorCode::kDisk;
    check.fix = capture::MoreRoomHint(context);
  }
  try {
    if (current) TellHowLongItLasts(context, *space, &check);
  } catch (const Error&) {
    // A store that cannot be read has a line of its own.
  }
  return check;
}

capture::Check CheckMask(postgres::PgConnection& connection, const Context& context, const mask::MaskLineage& lineage,
                         const std::string& publication) {
  capture::Check check{.outcome = capture::Check::Outcome::kOk, .name = "masking", .message = {}};
  try {
    mask::PiiSampler sampler(connection, context.interrupt);
    const postgres::Catalog catalog = mask::ReadMaskedCatalog(connection, context, lineage, publication, &sampler);
    const std::string unchecked = mask::UncheckedText(mask::RequireFit(connection, context, catalog));
    int columns = 0;
    for (const postgres::CatalogTable& table : catalog.tables) columns += table.mask.columns_size();
    check.message = fmt::format("{} rules, {} columns", context.source.mask.rules.size(), columns);
    const auto warn = [&check](const std::string& what, const std::string& fix) {
      check.outcome = capture::Check::Outcome::kWarning;
      check.message += "; " + what;
      check.fix += (check.fix.empty() || fix.empty() ? "" : "; ") + fix;
    };
    if (const std::vector<std::string> carried = mask::CarriedMasks(catalog.mask_record); !carried.empty()) {
      warn(fmt::format("still masked, although no rule in the config covers them: {}", fmt::join(carried, ", ")),
           "give each a rule of its own in [mask], or \"keep\" (docs/masking.md)");
    }
    if (const std::string keys = schema::NotValidText(catalog); !keys.empty()) {
      warn("foreign keys that a seed makes NOT VALID: " + keys, "");
    }
    if (!unchecked.empty()) warn(unchecked, "check that a seed can be imported: rotv-sync pull && rotv start");
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUsage) throw;
    check = {.outcome = capture::Check::Outcome::kProblem,
             .name = "masking",
             .message = error.what(),
             .fix = error.hint(),
             .code = error.code()};
  }
  return check;
}

// For a source without masking rules; with them, the masking's check has the answer.
capture::Check CheckReferences(const Context& context, postgres::PgConnection& connection, postgres::Catalog catalog) {
  capture::Check check{.outcome = capture::Check::Outcome::kOk, .name = "references", .message = {}};
  try {
    schema::SettleReferences(context.source, connection.server_version(), &catalog);
    check.message = "every foreign key has the rows that it needs";
    if (const std::string keys = schema::NotValidText(catalog); !keys.empty()) {
      check.outcome = capture::Check::Outcome::kWarning;
      check.message = "foreign keys that a seed makes NOT VALID: " + keys;
    }
  } catch (const Error& error) {
    check = {.outcome = capture::Check::Outcome::kProblem,
             .name = "references",
             .message = error.what(),
             .fix = error.hint(),
             .code = error.code()};
  }
  return check;
}

mask::MaskLineage LineageOf(const Context& context, postgres::PgConnection& connection,
                            std::vector<capture::Check>* checks) {
  try {
    const Workspace workspace(context.home, context.source.name, "doctor", Access::kRead);
    return mask::ReadStoredLineage(workspace.CurrentStorePath(), connection);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorrupt && error.code() != ErrorCode::kDisk && error.code() != ErrorCode::kInUse) {
      throw;
    }
    checks->push_back({.outcome = capture::Check::Outcome::kWarning,
                       .name = "store",
                       .message = fmt::format("cannot be read: {}", error.what()),
                       .fix = error.hint(),
                       .code = error.code()});
    return {};
  }
}

// Objects that are recorded for another server are reported as well, with the SQL that removes them there.
std::vector<capture::Check> CheckLeftovers(postgres::SourceSession& session,
                                           const std::vector<std::string>& configured) {
  const std::vector<postgres::FoundObject> found = postgres::FindObjects(session, postgres::Scope::kEveryDatabase);
  std::vector<capture::Check> checks;
  for (const postgres::Leftover& left : postgres::LeftoversAmong(found, configured)) {
    checks.push_back({.outcome = capture::Check::Outcome::kWarning,
                      .name = "leftover",
                      .message = fmt::format("{} in {}: {}", left.what, left.where, left.why),
                      .fix = left.sql});
  }
  for (const postgres::Leftover& left : postgres::RecordedElsewhere(session)) {
    checks.push_back({.outcome = capture::Check::Outcome::kWarning,
                      .name = "leftover",
                      .message = fmt::format("{} in {}: {}", left.what, left.where, left.why),
                      .fix = left.sql});
  }
  std::string others;
  for (const postgres::FoundObject& object : found) {
    if (object.whose != postgres::FoundObject::Whose::kOthers) continue;
    others += fmt::format("{}{} in {}", others.empty() ? "" : ", ", object.what, object.where);
  }
  if (!others.empty()) {
    checks.push_back({.outcome = capture::Check::Outcome::kOk,
                      .name = "others",
                      .message = "other machines or users follow this server, too: " + others});
  }
  return checks;
}

capture::Check ProblemOf(const std::string& name, const Error& error) {
  return {.outcome = capture::Check::Outcome::kProblem,
          .name = name,
          .message = error.what(),
          .fix = error.hint(),
          .code = error.code()};
}

std::string DescribeRemote(const FollowingStatus& status) {
  std::string text = fmt::format("{} at {}, publication {} by {}", status.published.source,
                                 status.published.head.ToString(), status.published.number, status.published.publisher);
  if (!status.has_store) return text;
  if (status.needs_all) return text + fmt::format("; a pull takes all of it ({})", SizeText(status.bytes));
  if (status.publications == 0) return text + "; the store here is up to date";
  return text + fmt::format("; the store here is {} behind ({})", status.publications, SizeText(status.bytes));
}

DoctorReport ExamineRemote(const Context& context) {
  DoctorReport report{.source = context.source.remote, .follows_remote = true};
  try {
    report.checks.push_back({.name = "remote", .message = DescribeRemote(StatusOfRemote(context))});
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted || error.code() == ErrorCode::kBug) throw;
    report.checks.push_back(ProblemOf("remote", error));
  }
  return report;
}

}  // namespace

const capture::Check* DoctorReport::FirstProblem() const {
  for (const capture::Check& check : checks) {
    if (check.outcome == capture::Check::Outcome::kProblem) return &check;
  }
  return nullptr;
}

DoctorReport Examine(const Context& context, const std::vector<std::string>& configured) {
  if (!context.source.remote.empty()) return ExamineRemote(context);
  DoctorReport report;
  // The sockets are outside of the home directory: those in there are of a run that writes.
  const os::TemporaryDirectory sockets;
  try {
    postgres::SourceSession session(context, sockets.path(), postgres::SourceSession::Connections::kOne,
                                    postgres::SourceSession::Warnings::kKeep);
    postgres::PgConnection& connection = session.connection();
    report.source = session.link().Description();
    report.server =
        fmt::format("PostgreSQL {}, database {}", connection.Parameter("server_version"), connection.database());
    report.checks.push_back({.outcome = capture::Check::Outcome::kOk, .name = "connection", .message = report.source});
    for (const link::LinkWarning& warning : session.link().Warnings()) {
      report.checks.push_back({.outcome = capture::Check::Outcome::kWarning,
                               .name = "connection",
                               .message = warning.message,
                               .fix = warning.fix});
    }
    std::future<capture::Check> dump_program =
        std::async(std::launch::async, [&] { return capture::CheckDumpProgram(session); });
    for (capture::Check& check : capture::CheckServer(session, capture::WalLimit::kRequired))
      report.checks.push_back(std::move(check));
    const bool fit = report.FirstProblem() == nullptr;
    std::optional<proto::CurrentStore> current = ReadCurrent(context.home, context.source.name);
    std::string publication = current ? current->objects().publication() : "";
    postgres::Catalog catalog = postgres::ReadCatalog(connection, publication);
    // All of this at a time, as in a baseline: sshd, the server and the role may each limit it.
    std::vector<std::unique_ptr<postgres::PgConnection>> open;
    if (fit) report.checks.push_back(capture::TryConnections(session, catalog.tables.size(), &open));
    report.checks.push_back(capture::TryDump(session, dump_program.get()));
    open.clear();
    for (capture::Check& check : capture::CheckCatalog(catalog, context.source))
      report.checks.push_back(std::move(check));
    for (capture::Check& check : capture::CheckPublished(catalog, context.source, publication))
      report.checks.push_back(std::move(check));
    mask::MaskLineage lineage;
    if (current) lineage = LineageOf(context, connection, &report.checks);
    if (!context.source.mask.empty() || !lineage.empty()) {
      report.checks.push_back(CheckMask(connection, context, lineage, publication));
    } else if (!context.source.exclude.empty()) {
      report.checks.push_back(CheckReferences(context, connection, catalog));
    }
    if (!postgres::IsStandby(connection)) {  // There, nothing could be removed, and a slot may be its primary's.
      for (capture::Check& check : CheckLeftovers(session, configured)) report.checks.push_back(std::move(check));
    }
    report.checks.push_back(CheckDisk(context, catalog, current));
    report.tables = capture::ReportTables(catalog, context.source);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted || error.code() == ErrorCode::kBug) throw;
    report.checks.push_back(ProblemOf("connection", error));
  }
  return report;
}

}  // namespace rotv
