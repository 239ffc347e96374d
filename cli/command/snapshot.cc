#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command/commands.h"
#include "cli/config/config.h"
#include "cli/config/home.h"
#include "cli/launch/saved_data.h"
#include "cli/launch/seed_file.h"
#include "cli/output/format.h"
#include "cli/program/publishing.h"
#include "cli/report/diff_page.h"
#include "cli/report/diff_report.h"
#include "cli/report/diff_rows.h"
#include "storage/atomic_file.h"
#include "sync/snapshot_diff.h"
#include "sync/snapshot_transfer.h"
#include "sync/snapshots.h"

namespace rotv::command {
namespace {

struct Flags {
  std::string name;
  std::string at;
  std::string before, after, table;
  bool rows = false;
  bool publish = false;
  size_t limit = 1000;
  std::string file, as, html, verify;
  bool sign = false;
  CLI::Option* at_option = nullptr;
  CLI::Option* verify_option = nullptr;
  std::function<int(const Flags& flags, const program::Invocation& call)> run;  // The chosen subcommand.
};

output::Json SnapshotJson(const SnapshotInfo& snapshot) {
  return output::Json{{"name", snapshot.name},
                      {"lsn", snapshot.lsn.ToString()},
                      {"source_time", output::IsoTime(snapshot.time_us)},
                      {"created", output::IsoTime(snapshot.created_us)},
                      {"rows", snapshot.rows},
                      {"earlier_baseline", snapshot.kept}};
}

// Returns the places.
std::vector<std::string> PublishSnapshot(const program::Session& session, const SnapshotInfo& made,
                                         const std::vector<RemoteConfig>& remotes) {
  std::vector<std::string> places;
  for (const RemoteConfig& remote : remotes) {
    try {
      places.push_back(Publish(session.context, remote, TakeOver::kNo).place);
    } catch (const Error&) {
      session.progress.Warn(fmt::format("the snapshot {} is made, but not published in {}", made.name, remote.name));
      throw;
    }
  }
  return places;
}

int RunCreate(const Flags& flags, const program::Session& session) {
  if (flags.at_option->count() > 0 && flags.at.empty()) {
    throw Error(ErrorCode::kUsage, "--at is empty", "give an LSN (16/B374D848), a time (\"2 hours ago\") or a name");
  }
  launch::RequireNotSaved(session.context.home, flags.name);
  std::vector<RemoteConfig> remotes;
  if (flags.publish) remotes = program::RemotesForSnapshot(session, flags.name);
  const SnapshotInfo made = CreateSnapshot(session.context, flags.name, flags.at);
  std::string text =
      fmt::format("Snapshot {}: {} as it was at {} ({}), {}.\n", made.name, session.context.source.name,
                  made.lsn.ToString(), output::HumanTime(made.time_us), output::Counted(made.rows, "row", "rows"));
  output::Json document = SnapshotJson(made);
  document["published_in"] = output::Json::array();
  for (const std::string& place : PublishSnapshot(session, made, remotes)) {
    text += fmt::format("Published in {}: others have it with their next pull.\n", place);
    document["published_in"].push_back(place);
  }
  session.output.Result(text, document);
  return 0;
}

int RunList(const program::Session& session) {
  std::vector<SnapshotInfo> snapshots = ListSnapshots(session.context);
  output::Json document = output::Json::array();
  size_t width = 0;
  for (const SnapshotInfo& snapshot : snapshots) {
    document.push_back(SnapshotJson(snapshot));
    document.back()["sole_bytes"] = snapshot.sole_bytes;
    width = std::max(width, snapshot.name.size());
  }
  std::string text;
  for (const SnapshotInfo& snapshot : snapshots) {
    text += fmt::format("{}  {}  {:<17}  {:>12} {}  {:>8}{}\n", output::PadRight(snapshot.name, width),
                        output::HumanTime(snapshot.time_us), snapshot.lsn.ToString(), output::HumanCount(snapshot.rows),
                        snapshot.rows == 1 ? "row " : "rows", output::HumanBytes(snapshot.sole_bytes),
                        snapshot.kept ? "  (of an earlier baseline)" : "");
  }
  if (text.empty()) {
    text = fmt::format("{} has no snapshots yet: rotv-sync snapshot create NAME\n", session.context.source.name);
  }
  session.output.Result(text, output::Json{{"source", session.context.source.name}, {"snapshots", document}});
  return 0;
}

int RunDelete(const Flags& flags, const program::Session& session) {
  DeleteSnapshot(session.context, flags.name);
  launch::RemoveSeedOf(session.context, flags.name);
  session.output.Result(fmt::format("Deleted snapshot {}.\n", flags.name), output::Json{{"deleted", flags.name}});
  return 0;
}

// "staging:head" is a point of another source only if there is a source of that name: times have colons too.
DiffPoint ParsePoint(const std::string& text, const program::Session& session) {
  size_t colon = text.find(':');
  if (colon != std::string::npos) {
    for (const SourceConfig& source : session.sources) {
      if (text.substr(0, colon) == source.name) return {.source = source.name, .name = text.substr(colon + 1)};
    }
  }
  return {.source = session.context.source.name, .name = text};
}

int RunDiff(const Flags& flags, const program::Session& session) {
  report::DiffRowChoice choice(flags.limit);
  DiffRequest request{
      .before = ParsePoint(flags.before, session), .after = ParsePoint(flags.after, session), .table = flags.table};
  const bool with_rows = flags.rows || !flags.html.empty();
  if (with_rows) {
    request.visit_row = [&](const TableDiff& table, const history::RowChange& change) { choice.Add(table, change); };
  }
  SnapshotDiff diff = Diff(session.context, request);
  const report::DiffRows rows = choice.Take();
  std::string text = report::DiffText(diff, flags.rows ? &rows : nullptr);
  if (!flags.html.empty()) {
    AtomicFile file(flags.html);
    file.Write(report::DiffPage(report::DiffJson(diff, &rows)));
    file.Commit();
    text += fmt::format("\nWrote {}.\n", output::OneLine(flags.html));
  }
  session.output.Result(text, report::DiffJson(diff, flags.rows ? &rows : nullptr));
  return 0;
}

int RunExport(const Flags& flags, const program::Session& session) {
  const Signing signing = flags.sign ? Signing::kOwnKey : Signing::kNone;
  ExportResult made = ExportSnapshot(session.context, {.snapshot = flags.name, .file = flags.file, .signing = signing});
  std::string text = fmt::format("Exported {}: {} as it was at {} ({}), {}, {} in {}.\n", output::OneLine(flags.file),
                                 session.context.source.name, made.lsn.ToString(), output::HumanTime(made.time_us),
                                 output::Counted(made.rows, "row", "rows"), output::HumanBytes(made.bytes),
                                 output::HumanDuration(made.seconds));
  output::Json document{{"file", flags.file},
                        {"source", session.context.source.name},
                        {"snapshot", flags.name},
                        {"lsn", made.lsn.ToString()},
                        {"source_time", output::IsoTime(made.time_us)},
                        {"rows", made.rows},
                        {"bytes", made.bytes},
                        {"seconds", made.seconds}};
  if (flags.sign) {
    text += fmt::format(
        "Signed. To verify it, the receiver needs the public key; send it by another way than the file:\n"
        "rotv-sync snapshot import --verify {} FILE\n",
        made.public_key);
    document["public_key"] = made.public_key;
  }
  session.output.Result(text, document);
  return 0;
}

// An import needs neither a source nor a config.
int RunImport(const Flags& flags, const program::Invocation& call) {
  config::OpenHome(call.home);
  const std::vector<std::string> configured = call.config.ConfiguredSources();
  auto is_taken = [&](const std::string& name) { return std::count(configured.begin(), configured.end(), name) > 0; };
  ImportRequest request{.file = flags.file, .as = flags.as, .is_taken = is_taken};
  if (flags.verify_option->count() > 0) request.verify = ParsePublicKey(flags.verify);
  ImportResult made = ImportSnapshot(call.home, request, call.progress, call.interrupt);
  call.output.Result(
      fmt::format("Imported {0}: {1} as it was at {2} ({3}), {4} in {5}.\nrotv start --source {0}\n", made.source,
                  made.exported_source, made.lsn.ToString(), output::HumanTime(made.time_us),
                  output::Counted(made.rows, "row", "rows"), output::HumanDuration(made.seconds)),
      output::Json{{"source", made.source},
                   {"exported_source", made.exported_source},
                   {"exported_snapshot", made.exported_name},
                   {"lsn", made.lsn.ToString()},
                   {"source_time", output::IsoTime(made.time_us)},
                   {"rows", made.rows},
                   {"signature_verified", request.verify.has_value()},
                   {"seconds", made.seconds}});
  return 0;
}

enum class Use { kWrites, kReads };

CLI::App* Add(CLI::App& app, const std::shared_ptr<Flags>& flags, const char* name, const char* description,
              int (*run)(const Flags&, const program::Session&), Use use = Use::kWrites) {
  CLI::App* command = app.add_subcommand(name, description);
  command->fallthrough();
  command->callback([flags, run, use] {
    flags->run = [run, use](const Flags& given, const program::Invocation& call) {
      return program::OnSource({.run = [&](const program::Session& session) { return run(given, session); },
                                .only_reads = [&] { return use == Use::kReads; }})
          .run(call);
    };
  });
  return command;
}

}  // namespace

program::Command DeclareSnapshot(CLI::App& app) {
  app.description("Name points of the history, compare them, and pass them on");
  app.require_subcommand(1);
  app.footer("head and baseline always exist. A snapshot copies nothing: it keeps its point from gc.");
  // Both programs have these commands, each with examples of its own.
  const std::string begins = fmt::format("  {} snapshot ", app.get_parent()->get_name());
  const auto add_examples = [begins](CLI::App* command, const std::vector<std::string>& examples) {
    command->footer(fmt::format("Examples:\n{}{}", begins, fmt::join(examples, "\n" + begins)));
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* create = Add(app, flags, "create", "Give a point a name", RunCreate);
  create->add_option("name", flags->name, "Letters, digits, dots, underscores, hyphens")->required()->type_name("NAME");
  flags->at_option = create->add_option("--at", flags->at, "A time, a WAL position or a snapshot (default: the head)")
                         ->type_name("POINT");
  create->add_flag("--publish", flags->publish, "Publish it at once, to each remote with publish = true");
  add_examples(create,
               {"create before-release", "create monday --at \"yesterday 18:00\"", "create release-42 --publish"});
  CLI::App* list = Add(
      app, flags, "list", "List the snapshots, and what deleting each alone would free",
      [](const Flags&, const program::Session& session) { return RunList(session); }, Use::kReads);
  add_examples(list, {"list"});
  CLI::App* remove = Add(app, flags, "delete", "Delete a snapshot", RunDelete);
  remove->add_option("name", flags->name, "The snapshot")->required()->type_name("SNAPSHOT");
  add_examples(remove, {"delete before-release"});
  CLI::App* diff = Add(app, flags, "diff", "Show what differs between two points", RunDiff, Use::kReads);
  diff->add_option("before", flags->before, "A snapshot, head, baseline, a WAL position or a time; SOURCE:POINT")
      ->required()
      ->type_name("POINT");
  diff->add_option("after", flags->after, "The other point")->required()->type_name("POINT");
  diff->add_option("--table", flags->table, "Only this table")->type_name("TABLE");
  diff->add_flag("--rows", flags->rows, "Show the rows too");
  diff->add_option("--html", flags->html, "Write a page for a browser, with the rows")->type_name("FILE");
  diff->add_option("--limit", flags->limit, "Show at most this many rows, shared out among the tables (default: 1000)")
      ->type_name("N");
  add_examples(diff, {"diff before-release head", "diff \"2 hours ago\" head --table users --rows",
                      "diff monday head --html changes.html", "diff production:head staging:head"});
  CLI::App* export_command =
      Add(app, flags, "export", "Write a point into a file, for people without access to the source", RunExport,
          Use::kReads);
  export_command->add_option("name", flags->name, "A snapshot, head, baseline, a WAL position or a time")
      ->required()
      ->type_name("POINT");
  export_command->add_option("file", flags->file, "The file to write")->required()->type_name("FILE");
  export_command->add_flag("--sign", flags->sign, "Sign it with the key of this home, and print the public key");
  add_examples(export_command, {"export monday monday.rotv", "export monday monday.rotv --sign"});
  CLI::App* import_command = app.add_subcommand("import", "Create a source from an exported file");
  import_command->fallthrough();
  import_command->add_option("file", flags->file, "A file that export has written")->required()->type_name("FILE");
  import_command->add_option("--as", flags->as, "The new source's name (default: SOURCE-NAME, as exported)")
      ->type_name("NAME");
  flags->verify_option =
      import_command
          ->add_option("--verify", flags->verify,
                       "Refuse the file unless this public key verifies its signature (as export --sign printed it, or "
                       "a file that holds it)")
          ->type_name("KEY");
  add_examples(import_command, {"import monday.rotv", "import monday.rotv --verify KEY"});
  import_command->callback([flags] { flags->run = RunImport; });
  return {[flags](const program::Invocation& call) { return flags->run(*flags, call); }, nullptr};
}

}  // namespace rotv::command
