#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/config/home.h"
#include "cli/launch/build_context.h"
#include "cli/output/format.h"
#include "cli/output/terminal.h"
#include "cli/rotv/command.h"
#include "os/run_program.h"
#include "storage/error.h"
#include "sync/find_database_facts.h"

namespace rotv {
namespace {

// Keeps the end of a build's output, which says what failed.
class LastLines {
 public:
  void Add(std::string_view text) {
    text_ += text;
    if (text_.size() > 2 * kMaxBytes) text_.erase(0, text_.size() - kMaxBytes);
  }
  std::string Get(int lines) const {
    size_t start = text_.size();
    while (lines-- > 0 && start > 0) {
      size_t end = text_.rfind('\n', start - 1 == 0 ? 0 : start - 2);
      start = end == std::string::npos ? 0 : end + 1;
    }
    return text_.substr(start);
  }

 private:
  static constexpr size_t kMaxBytes = 16 * 1024;
  std::string text_;
};

// The files of this machine that npm needs to reach its registry, as build secrets: no image layer may keep them.
std::vector<std::string> Secrets(const os::Environment& environment) {
  std::vector<std::string> secrets;
  std::filesystem::path npmrc = config::UserHome(environment) / ".npmrc";
  if (std::filesystem::exists(npmrc)) secrets.push_back("id=npmrc,src=" + npmrc.native());
  for (const char* name : {"NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"}) {
    std::string file = os::Variable(environment, name);
    if (file.empty() || !std::filesystem::exists(file)) continue;
    secrets.push_back("id=ca,src=" + file);
    break;
  }
  return secrets;
}

// What the source's database needs of an image; nothing if neither the store nor the source can say.
DatabaseFacts FactsFor(const program::Invocation& call) {
  try {
    const SourceConfig source = call.config.Source();
    return FindDatabaseFacts({source, call.home, call.progress, call.interrupt});
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    call.progress.Warn(fmt::format(
        "the image may lack the source's locales, or be of an older PostgreSQL: the source is not known ({})",
        error.what()));
    return {};
  }
}

int RunBuild(const program::Invocation& call, const RuntimeOption& option, bool no_cache) {
  config::AppConfig app = call.config.App();
  std::unique_ptr<launch::Runtime> runtime = RuntimeFor(call, option, app);
  if (runtime->name() == "local") {
    throw Error(ErrorCode::kUsage, "without a container runtime there is no image to build",
                "install podman, or start without one: rotv --runtime local start");
  }
  launch::BuildContext context(
      {.application = app.directory, .left_out = {call.home, call.config.FilePath(), app.directory / app.env_file}});
  std::string version = launch::ApplicationVersion(app.directory);
  std::vector<std::string> words = {
      runtime->name(),     "build", "--tag", app.image, "--file", context.directory() / "Containerfile", "--build-arg",
      "VERSION=" + version};
  const DatabaseFacts facts = FactsFor(call);
  constexpr int kDefaultMajor = 17;  // As in the Containerfile.
  if (facts.major() > kDefaultMajor) {
    words.insert(words.end(), {"--build-arg", fmt::format("POSTGRES_VERSION={}", facts.major())});
  }
  if (const std::set<std::string> locales = NeededLocales(facts); !locales.empty()) {
    words.insert(words.end(), {"--build-arg", fmt::format("LOCALES={}", fmt::join(locales, " "))});
  }
  if (!app.base_image.empty()) words.insert(words.end(), {"--build-arg", "BASE_IMAGE=" + app.base_image});
  for (const std::string& secret : Secrets(call.environment)) words.insert(words.end(), {"--secret", secret});
  if (no_cache) words.emplace_back("--no-cache");
  words.push_back(context.directory());

  bool quiet = call.options.quiet;
  LastLines last;
  int status = os::RunProgramShowing(words, call.interrupt, [&](std::string_view text) {
    if (!quiet) output::WriteAll(STDERR_FILENO, output::TerminalText(text));
    last.Add(text);
  });
  if (status != 0) {
    constexpr int kShownLines = 15;
    if (quiet) output::WriteAll(STDERR_FILENO, output::TerminalText(last.Get(kShownLines)));
    throw Error(ErrorCode::kUsage, fmt::format("the image cannot be built: {}", os::LastLine(last.Get(kShownLines))),
                "the failing step is shown above; --no-cache runs every step again");
  }
  call.output.Result(fmt::format("Built {}, version {}. rotv start runs it.\n", app.image, version),
                     output::Json{{"image", app.image}, {"version", version}});
  return 0;
}

}  // namespace

program::Command DeclareBuild(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Build the image: layers with PostgreSQL and Node.js, then those of the application");
  app.footer(
      "A change of the application rebuilds only its own layers.\n\n"
      "Examples:\n"
      "  rotv build\n"
      "  rotv build --no-cache");
  auto no_cache = std::make_shared<bool>(false);
  app.add_flag("--no-cache", *no_cache, "Run every build step again");
  return {[no_cache, &runtime](const program::Invocation& call) { return RunBuild(call, runtime, *no_cache); },
          nullptr};
}

}  // namespace rotv
