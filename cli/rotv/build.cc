#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cli/config/home.h"
#include "cli/launch/build_context.h"
#include "cli/launch/container_runtime.h"
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

struct BuildFlags {
  bool no_cache = false;
  bool with_browser = false;
};

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

// Docker's own builder without BuildKit knows no secrets; BuildKit is a component that is installed by itself.
void RequireBuilder(const std::string& program, const Interrupt& interrupt) {
  const os::ProgramResult info = os::RunProgramQuietly({program, "info"}, interrupt);
  if (info.exit_status != 0) {
    throw Error(ErrorCode::kCannotStart, fmt::format("{} does not work here: {}", program, os::LastLine(info.err)),
                program == "docker" ? "is its service running? sudo systemctl start docker; or build with podman: "
                                      "rotv --runtime podman build"
                                    : "podman info says more");
  }
  if (program != "docker") return;
  if (os::RunProgramQuietly({program, "buildx", "version"}, interrupt).exit_status == 0) return;
  throw Error(ErrorCode::kCannotStart, "docker cannot build here: its component buildx is not installed",
              "sudo apt-get install docker-buildx (with Docker's own packages: docker-buildx-plugin), or build with "
              "podman: rotv --runtime podman build");
}

// Removes images that earlier builds made of this project and that have no name any more. One that a container uses
// stays, and is tried again after the next build. Returns how many are gone.
size_t RemoveOldImages(const std::string& program, const launch::Project& project, const Interrupt& interrupt) {
  const os::ProgramResult listed =
      os::RunProgramQuietly({program, "images", "--quiet", "--no-trunc", "--filter", "dangling=true", "--filter",
                             fmt::format("label={}={}", launch::kProjectLabel, project.directory.native())},
                            interrupt);
  size_t removed = 0;
  std::istringstream lines(listed.out);
  for (std::string image; std::getline(lines, image);) {
    if (!image.empty() && os::RunProgramQuietly({program, "rmi", image}, interrupt).exit_status == 0) ++removed;
  }
  return removed;
}

void BuildImage(const program::Invocation& call, const std::vector<std::string>& words) {
  constexpr int kShownLines = 15;
  bool quiet = call.options.quiet;
  LastLines last;
  int status = os::RunProgramShowing(words, call.interrupt, [&](std::string_view text) {
    if (!quiet) output::WriteAll(STDERR_FILENO, output::TerminalText(text));
    last.Add(text);
  });
  if (status == 0) return;
  if (quiet) output::WriteAll(STDERR_FILENO, output::TerminalText(last.Get(kShownLines)));
  throw Error(ErrorCode::kUsage, fmt::format("the image cannot be built: {}", os::LastLine(last.Get(kShownLines))),
              "the failing step is shown above; --no-cache runs every step again");
}

int RunBuild(const program::Invocation& call, const RuntimeOption& option, const BuildFlags& flags) {
  config::OpenHome(call.home);
  launch::Project project = ProjectOf(call, option);
  config::AppConfig app = AppOf(call, project);
  project.directory = call.config.ProjectDirectory();
  std::unique_ptr<launch::Runtime> runtime = RuntimeFor(call, option, app, project);
  const std::string program = runtime->name();
  if (program == "local") {
    throw Error(ErrorCode::kUsage, "without a container runtime there is no image to build",
                "install podman, or start without one: rotv --runtime local start");
  }
  RequireBuilder(program, call.interrupt);
  {
    const launch::LaunchLock lock(project.place);
    launch::ClaimPlace(project);  // Its image has this project's name from now on.
  }
  launch::BuildContext context(
      {.application = app.directory, .left_out = {call.home, call.config.FilePath(), app.directory / app.env_file}});
  std::string version = launch::ApplicationVersion(app.directory);
  std::vector<std::string> words = {program,   "build",  "--tag",
                                    app.image, "--file", context.directory() / "Containerfile"};
  const auto add_argument = [&](const std::string& text) { words.insert(words.end(), {"--build-arg", text}); };
  add_argument("VERSION=" + version);
  // Not by an argument that a LABEL names: Podman 4.3 takes that from the cache for another project's, too.
  words.insert(words.end(), {"--label", fmt::format("{}={}", launch::kProjectLabel, project.directory.native())});
  const DatabaseFacts facts = FactsFor(call);
  constexpr int kDefaultMajor = 17;  // As in the Containerfile.
  if (facts.major() > kDefaultMajor) add_argument(fmt::format("POSTGRES_VERSION={}", facts.major()));
  if (const std::set<std::string> locales = NeededLocales(facts); !locales.empty()) {
    add_argument(fmt::format("LOCALES={}", fmt::join(locales, " ")));
  }
  if (!app.base_image.empty()) add_argument("BASE_IMAGE=" + app.base_image);
  const bool browser = flags.with_browser || app.browser;
  if (browser) add_argument("WITH_BROWSER=1");
  for (const std::string& secret : Secrets(call.environment)) words.insert(words.end(), {"--secret", secret});
  if (flags.no_cache) words.emplace_back("--no-cache");
  words.push_back(context.directory());
  BuildImage(call, words);
  const size_t removed = RemoveOldImages(program, project, call.interrupt);
  call.output.Result(
      fmt::format("Built {}, version {}{}. rotv start runs it.\n", app.image, version,
                  removed == 0 ? "" : fmt::format("; removed {}", output::Counted(removed, "old image", "old images"))),
      output::Json{{"image", app.image}, {"version", version}, {"browser", browser}, {"removed_images", removed}});
  return 0;
}

}  // namespace

program::Command DeclareBuild(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Build the image: layers with PostgreSQL and Node.js, then those of the application");
  app.footer(
      "A change of the application rebuilds only its own layers. Images of earlier builds are removed, unless a\n"
      "container uses them.\n\n"
      "Examples:\n"
      "  rotv build\n"
      "  rotv build --with-browser          # for tests of the application in a browser\n"
      "  rotv build --no-cache");
  auto flags = std::make_shared<BuildFlags>();
  app.add_flag("--no-cache", flags->no_cache, "Run every build step again");
  app.add_flag("--with-browser", flags->with_browser, "Also install Chromium, and what Playwright's browsers need");
  return {[flags, &runtime](const program::Invocation& call) { return RunBuild(call, runtime, *flags); }, nullptr};
}

}  // namespace rotv
