#include "cli/launch/container_runtime.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>
#include <xxhash.h>

#include <future>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/config/home.h"
#include "cli/launch/launch_state.h"
#include "cli/launch/port_rules.h"
#include "cli/output/format.h"
#include "cli/output/output.h"
#include "os/base64.h"
#include "os/private_file.h"
#include "os/run_program.h"
#include "storage/error.h"

namespace rotv::launch {
namespace {

constexpr const char* kHomeLabel = "rotv.home";  // The place.
// The user that the Containerfile creates; the application runs as it, too.
constexpr int kPostgresUser = 70;
constexpr const char* kOsUser = "postgres";

// What is in an image does not change, and a container takes half a second: the answer is kept with the image's id.
constexpr const char* kPsqlVersion = R"SH(
id=$("$1" image inspect --format '{{.Id}}' "$2") || exit
if [ -r "$3" ] && [ "$(head -n 1 "$3")" = "$id" ]; then exec tail -n 1 "$3"; fi
version=$("$1" run --rm --network=none --entrypoint=psql "$2" --version) || exit
{ printf '%s\n%s\n' "$id" "$version" >"$3.new" && mv "$3.new" "$3"; } 2>/dev/null
printf '%s\n' "$version"
)SH";

std::filesystem::path BrowserCache(const os::Environment& environment) {
  std::filesystem::path cache = config::UserHome(environment) / ".cache/ms-playwright";
  std::error_code ignored;
  return std::filesystem::is_directory(cache, ignored) ? cache : std::filesystem::path();
}

bool SelinuxIsOn() { return access("/sys/fs/selinux/enforce", F_OK) == 0; }

// Quotes a field of --mount, whose value is one line of CSV.
std::string Field(const std::string& text) {
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

}  // namespace

std::string ContainerNameWithNumber(const std::filesystem::path& place) {
  const std::string& path = place.native();
  const bool is_application = place.parent_path().filename() == "apps";
  return fmt::format("rotv-{}{:08x}", is_application ? place.filename().native() + "-" : "",
                     static_cast<uint32_t>(XXH3_64bits(path.data(), path.size())));
}

std::string ContainerName(const std::filesystem::path& place, const os::Environment& environment) {
  const std::filesystem::path usual = config::UserHome(environment) / ".rotv";
  if (place == usual) return "rotv";
  if (place.parent_path() == usual / "apps") return "rotv-" + place.filename().native();
  return ContainerNameWithNumber(place);
}

std::string EnvFileText(const os::Environment& variables) {
  std::string text;
  std::string encoded;
  for (const auto& [name, value] : variables) {
    bool plain = value.find_first_of("\n\r") == std::string::npos;
    text += fmt::format("{}={}\n", name, plain ? value : os::Base64(value));
    if (!plain) encoded += (encoded.empty() ? "" : ",") + name;
  }
  if (!encoded.empty()) text += fmt::format("ROTV_SECRETS_BASE64={}\n", encoded);
  return text;
}

ContainerRuntime::ContainerRuntime(std::string program, std::filesystem::path place, std::string database,
                                   const os::Environment& environment, const Interrupt& interrupt)
    : program_(std::move(program)),
      place_(std::move(place)),
      database_(std::move(database)),
      browser_cache_(BrowserCache(environment)),
      interrupt_(interrupt),
      container_names_{ContainerName(place_, environment), ContainerNameWithNumber(place_)},
      container_(container_names_[0]) {}

void ContainerRuntime::LookAhead(const std::string& image) {
  version_ = {VersionWords(), {}};
  image_ = {ImageWords(image), {}};
  state_ = {StateWords(), {}};
  std::vector<std::future<void>> asked;
  for (Question* question : {&version_, &image_, &state_}) {
    asked.push_back(std::async(std::launch::async, [this, question] {
      question->answer = os::RunProgramQuietly(question->words, interrupt_);
    }));
  }
  for (std::future<void>& one : asked) one.get();
}

os::ProgramResult ContainerRuntime::Ask(Question& ahead, const std::vector<std::string>& words) const {
  const Question asked = std::exchange(ahead, {});
  if (asked.answer && asked.words == words) return *asked.answer;
  return os::RunProgramQuietly(words, interrupt_);
}

std::vector<std::string> ContainerRuntime::VersionWords() const { return {program_, "--version"}; }

std::vector<std::string> ContainerRuntime::ImageWords(const std::string& image) const {
  return {program_, "image", "inspect", "--format", "{{json .Config.Labels}}", image};
}

// Both names are asked for at once; one that is not there makes it fail, and the other is printed all the same.
std::vector<std::string> ContainerRuntime::StateWords() const {
  const auto& [usual, other] = container_names_;
  std::vector<std::string> words = {program_, "container", "inspect", usual};
  if (other != usual) words.push_back(other);
  return words;
}

std::string ContainerRuntime::Describe() const {
  // "podman version 4.3.1", "Docker version 20.10.24, build 297e128"
  constexpr std::string_view kBefore = "version ";
  std::string text = os::LastLine(Ask(version_, VersionWords()).out);
  size_t start = text.find(kBefore);
  if (start == std::string::npos) return program_;
  start += kBefore.size();
  return fmt::format("{} {}", program_, text.substr(start, text.find_first_of(", ", start) - start));
}

bool ContainerRuntime::HasCluster(const std::filesystem::path& directory) const {
  // Without root, the cluster belongs to a user of our subordinate range, and we ourselves cannot read it.
  std::vector<std::string> words = {"sh", "-c", "test -e \"$1/PG_VERSION\" && ! test -e \"$1/rotv-import-began\"", "sh",
                                    directory.native()};
  if (program_ == "podman" && geteuid() != 0) words.insert(words.begin(), {"podman", "unshare"});
  return os::RunProgramQuietly(words, interrupt_).exit_status == 0;
}

void ContainerRuntime::ThrowNotWorking(const std::string& why) const {
  throw Error(ErrorCode::kCannotStart, fmt::format("{} does not work here: {}", program_, os::LastLine(why)),
              program_ == "docker" ? "is its service running? sudo systemctl start docker; or run without containers: "
                                     "rotv --runtime local start"
                                   : "fix it (podman info), or run without containers: rotv --runtime local start");
}

void ContainerRuntime::CheckReady(const LaunchRequest& request) {
  const os::ProgramResult image = Ask(image_, ImageWords(request.image));
  if (image.exit_status == 0) return RequireImageOf(request.project, request.image, image.out);
  os::ProgramResult info = os::RunProgramQuietly({program_, "info"}, interrupt_);
  if (info.exit_status != 0) ThrowNotWorking(info.err);
  throw Error(ErrorCode::kUsage, fmt::format("there is no image {} yet", request.image),
              fmt::format("rotv --runtime {} build", program_));
}

void ContainerRuntime::RequireImageOf(const std::filesystem::path& project, const std::string& image,
                                      const std::string& labels) const {
  if (project.empty()) return;
  const output::Json document = output::Json::parse(labels, nullptr, false);
  const std::string built_of = document.is_object() ? document.value(kProjectLabel, "") : "";
  // One that was renamed is no other project.
  if (built_of.empty() || built_of == project || !std::filesystem::exists(built_of)) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("the image {} was built of {}, not of {}", image, built_of, project.native()),
              fmt::format("rotv --runtime {} build, or image = \"...\" in [app] of rotv.toml", program_));
}

RunState ContainerRuntime::State() {
  const auto& [usual, other] = container_names_;
  const os::ProgramResult found = Ask(state_, StateWords());
  const output::Json containers = output::Json::parse(found.out, nullptr, false);
  container_ = usual;
  if (!containers.is_array() || containers.empty()) {
    RequireNoneFound(found);
    return RunState::kNone;
  }
  bool usual_is_taken = false;
  for (const output::Json& container : containers) {
    std::string name = container.value("Name", usual);
    if (name.starts_with('/')) name.erase(0, 1);  // Docker's.
    const output::Json labels = container.value("Config", output::Json::object()).value("Labels", output::Json());
    if (labels.is_object() && labels.value(kHomeLabel, "") == place_.native()) {
      container_ = name;
      const std::string status = container.value("State", output::Json::object()).value("Status", "");
      return status == "running" || status == "paused" ? RunState::kRunning : RunState::kEnded;
    }
    usual_is_taken = usual_is_taken || name == usual;
  }
  if (usual_is_taken && (containers.size() > 1 || other == usual)) {
    throw Error(ErrorCode::kUsage, fmt::format("there is a container named {} that rotv did not create", other),
                fmt::format("{} rm {}, if it is not needed", program_, other));
  }
  if (usual_is_taken) container_ = other;
  return RunState::kNone;
}

// That no container is there, and that nobody can tell, are the same exit status.
void ContainerRuntime::RequireNoneFound(const os::ProgramResult& asked) const {
  if (asked.err.empty() || asked.exit_status == 0) return;
  for (const char* none : {"o such container", "o such object"}) {
    if (asked.err.find(none) != std::string::npos) return;
  }
  ThrowNotWorking(asked.err);
}

void ContainerRuntime::Start(const LaunchRequest& request) {
  if (!request.persistent_dir.empty()) OwnPersistentDirectory(request.persistent_dir);
  // The file is removed on return.
  OwnDatabase database = Database();
  database.password = request.database_password;
  os::Environment variables = WithOwnDatabase(request.environment, request.rules, database);
  if (!request.database_password.empty()) variables["ROTV_PASSWORD"] = request.database_password;
  for (const auto& [name, value] : request.twin) variables[name] = value;
  os::PrivateFile env_file(ContainerVariables(place_), EnvFileText(variables));
  if (program_ == "podman" && geteuid() == 0) {
    for (int port : {request.database_only ? 0 : request.port, request.database_port}) {
      if (port != 0) RemoveStalePortRules(program_, port, interrupt_);
    }
  }
  // A run that is ended in the middle leaves rules of the firewall, and what else its network consists of.
  os::ProgramResult started;
  try {
    started = os::RunProgramWhole(RunWords(request, env_file.path()), interrupt_);
  } catch (const Error&) {
    Stop();  // Interrupted: the container may run by now.
    throw;
  }
  if (started.exit_status == 0) return;
  Stop();  // A failed start can leave a container in state "created".
  if (UsesOverlay(request.warm)) throw CloneRefused(os::LastLine(started.err));
  throw Error(ErrorCode::kCannotStart,
              fmt::format("{} cannot start the container: {}", program_, os::LastLine(started.err)),
              fmt::format("check {} info and the image {}; rotv build builds it again", program_, request.image));
}

std::vector<std::string> ContainerRuntime::RunWords(const LaunchRequest& request,
                                                    const std::filesystem::path& env_file) const {
  std::vector<std::string> words = {program_,     "run",
                                    "--detach",   "--init",
                                    "--name",     container_,
                                    "--label",    fmt::format("{}={}", kHomeLabel, place_.native()),
                                    "--pull",     "never",
                                    "--env-file", env_file.native(),
                                    "--env",      "PORT=8080",
                                    "--env",      "HOST=0.0.0.0",
                                    "--env",      fmt::format("ROTV_DATABASE={}", request.database)};
  auto add = [&](std::initializer_list<std::string> more) { words.insert(words.end(), more); };
  if (!request.database_only) {
    add({"--publish", fmt::format("127.0.0.1:{}:8080", request.port)});
  } else if (request.database_port == 0) {
    add({"--network", "none"});
  }
  if (request.database_port != 0) {
    add({"--publish", fmt::format("127.0.0.1:{}:{}", request.database_port, Database().port)});
    add({"--env", "ROTV_LISTEN=*"});  // What is published reaches the container by its own address.
  }
  const bool is_overlay = UsesOverlay(request.warm);
  if (is_overlay) {
    // Its changes are in the storage of containers, and are removed with this one.
    add({"--volume", fmt::format("{}:/data/pgdata:O", request.warm.cluster.native())});
    add({"--env", "ROTV_MODE=development", "--env", "ROTV_CLONE=mounted"});
  } else if (request.persistent_dir.empty()) {
    add({"--tmpfs", fmt::format("/data/pgdata:rw,size={},mode=0700", request.tmpfs_bytes)});
    add({"--env", "ROTV_MODE=development"});
  } else {
    add({"--mount", Mount(request.persistent_dir, "/data/pgdata", Relabel(",relabel=private"))});
    add({"--env", "ROTV_MODE=persistent"});
  }
  if (!request.seed.empty()) {
    // The suffix shows the compression to people; the entrypoint looks at the bytes.
    std::string ending = request.seed.extension() == ".sql" ? "" : request.seed.extension().native();
    std::string target = "/tmp/seed-data.sql" + ending;
    add({"--mount", Mount(request.seed, target, ",ro" + Relabel(",relabel=shared"))});
    add({"--env", "ROTV_SEED=" + target});
  }
  for (std::string& word : WarmWords(request.warm)) words.push_back(std::move(word));
  if (request.lifetime_seconds > 0) add({"--env", fmt::format("ROTV_LIFETIME={}", request.lifetime_seconds)});
  if (!request.owner.empty()) {
    add({"--mount", Mount(request.owner, "/tmp/rotv-owner", ",ro" + Relabel(",relabel=shared"))});
    add({"--env", "ROTV_OWNER=/tmp/rotv-owner"});
  }
  if (!request.roles.empty()) add({"--env", fmt::format("ROTV_ROLES={}", fmt::join(request.roles, "\n"))});
  add({"--env", request.trust ? "ROTV_TRUST=yes" : "ROTV_TRUST=no"});
  add({"--env", request.superuser ? "ROTV_SUPERUSER=yes" : "ROTV_SUPERUSER=no"});
  add({"--env", "ROTV_ADMIN=" + request.admin});
  for (const SharedDirectory& shared : request.shared) {
    add({"--mount", Mount(shared.path, shared.target, ",ro" + Relabel(",relabel=shared"))});
  }
  // A variable that is set and empty says that there is no command.
  if (!request.app_command.empty() || request.database_only) add({"--env", "ROTV_APP_COMMAND=" + request.app_command});
  if (!browser_cache_.empty()) {
    add({"--mount", Mount(browser_cache_, "/ms-playwright", ",ro")});
    add({"--env", "PLAYWRIGHT_BROWSERS_PATH=/ms-playwright"});
  }
  if (!request.persistent_dir.empty()) {
    add({"--restart", RestartName(request.restart)});
    add({"--env", std::string("ROTV_RESTART=") + RestartName(request.restart)});
  }
  words.push_back(request.image);
  return words;
}

// Docker has no such volumes, and a path with a colon cannot be written.
bool ContainerRuntime::UsesOverlay(const WarmRequest& warm) const {
  return program_ == "podman" && warm.clone == Clone::kOverlay && !warm.cluster.empty() &&
         warm.cluster.native().find(':') == std::string::npos;
}

std::vector<std::string> ContainerRuntime::WarmWords(const WarmRequest& warm) const {
  std::vector<std::string> words;
  auto mount = [&](const std::filesystem::path& path, const std::string& variable, const std::string& target,
                   const std::string& option) {
    if (path.empty()) return;
    words.insert(words.end(), {"--mount", Mount(path, target, option + Relabel(",relabel=shared"))});
    words.insert(words.end(), {"--env", fmt::format("{}={}", variable, target)});
  };
  mount(warm.cluster, "ROTV_WARM", "/tmp/rotv-warm", ",ro");
  mount(warm.lock, "ROTV_WARM_LOCK", "/tmp/rotv-warm-lock", ",ro");
  mount(warm.carry, "ROTV_CARRY", "/tmp/rotv-carry.sql", ",ro");
  mount(warm.empty, "ROTV_WARM_EMPTY", "/tmp/rotv-empty", ",ro");
  mount(warm.pipes, "ROTV_WARM_TO", "/tmp/rotv-pipes", "");
  words.insert(words.end(), {"--env", "ROTV_WARM_SERVER=" + warm.server});
  words.insert(words.end(), {"--env", "ROTV_WARM_EMPTY_SERVER=" + warm.empty_server});
  return words;
}

std::string ContainerRuntime::Relabel(const std::string& option) const {
  return program_ == "podman" && SelinuxIsOn() ? option : "";
}

std::string ContainerRuntime::Mount(const std::filesystem::path& source, std::string_view target,
                                    std::string_view options) const {
  return fmt::format("type=bind,{},target={}{}", Field("source=" + source.native()), target, options);
}

// Without root, the container's postgres is a user of our subordinate range. A directory that we created, copied or
// restored belongs to the container's root, and PostgreSQL refuses it: it is given to postgres.
void ContainerRuntime::OwnPersistentDirectory(const std::filesystem::path& directory) const {
  if (program_ != "podman" || geteuid() == 0) return;  // Docker or root: the entrypoint does it.
  os::ProgramResult owner =
      os::RunProgramQuietly({"podman", "unshare", "stat", "-c", "%u", directory.native()}, interrupt_);
  if (os::LastLine(owner.out) == std::to_string(kPostgresUser)) return;
  os::ProgramResult changed = os::RunProgramQuietly(
      {"podman", "unshare", "chown", "-R", fmt::format("{0}:{0}", kPostgresUser), directory.native()}, interrupt_);
  if (changed.exit_status == 0) return;
  throw Error(ErrorCode::kDisk,
              fmt::format("cannot change the owner of {} to PostgreSQL's user: {}", directory.native(),
                          os::LastLine(changed.err)),
              fmt::format("check the owners of its files: podman unshare ls -ln '{}'", directory.native()));
}

void ContainerRuntime::Stop() {
  if (State() == RunState::kNone) return;  // Throws if the container is not ours.
  const Interrupt none;                    // Once begun, stopping is not interrupted.
  os::RunProgramWhole({program_, "stop", "--time", "20", container_}, none);
  os::ProgramResult removed = os::RunProgramWhole({program_, "rm", "--force", "--volumes", container_}, none);
  if (removed.exit_status != 0 && State() != RunState::kNone) {
    throw Error(ErrorCode::kUsage,
                fmt::format("the container {} cannot be removed: {}", container_, os::LastLine(removed.err)),
                fmt::format("{} rm --force {}", program_, container_));
  }
}

std::vector<std::string> ContainerRuntime::LogCommand(const LogView& view) const {
  std::vector<std::string> words = {program_, "logs"};
  if (view.follow) words.emplace_back("--follow");
  if (view.since_us != 0) words.insert(words.end(), {"--since", output::IsoTime(view.since_us)});
  words.push_back(container_);
  return words;
}

std::vector<std::string> ContainerRuntime::ExecWords(bool terminal) const {
  std::vector<std::string> words = {program_, "exec", "--interactive"};
  if (terminal) words.emplace_back("--tty");
  words.push_back(container_);
  return words;
}

std::vector<std::string> ContainerRuntime::ShellCommand(bool terminal, const OwnDatabase& database) const {
  std::vector<std::string> words = ExecWords(terminal);
  words.insert(words.end() - 1, {"--user", kOsUser, "--workdir", AppDirectory()});  // Before the container's name.
  // The shell inherits the application's variables, unless another database is meant.
  os::Environment wanted = LibpqVariablesFor(database);
  if (database.name != database_) wanted = WithOwnDatabase({}, {}, database);
  for (std::string& word : EnvWords({}, wanted)) words.push_back(std::move(word));
  words.emplace_back("bash");
  return words;
}

std::vector<std::string> ContainerRuntime::RequestCommand(const std::string& verb) const {
  std::vector<std::string> words = {program_,   "exec", "--interactive",
                                    container_, "bash", "/usr/local/lib/rotv/request"};
  words.insert(words.end(), {Database().socket_directory, verb});
  return words;
}

OwnDatabase ContainerRuntime::Database() const {
  return {.socket_directory = "/tmp/pgsocket", .port = 5432, .tcp = true, .name = database_};
}

std::string ContainerRuntime::AppDirectory() const { return "/app"; }

std::string ContainerRuntime::PlaceOf(const SharedDirectory& shared) const { return shared.target; }

std::vector<std::string> ContainerRuntime::PsqlVersionCommand(const std::string& image) const {
  return {"sh", "-c", kPsqlVersion, "sh", program_, image, place_ / "run" / "psql-version"};
}

std::vector<std::string> ContainerRuntime::PsqlCommand(const std::vector<std::string>& arguments, bool terminal) const {
  // Variables name the database, so that all arguments of psql keep their meaning, another database's name too.
  std::vector<std::string> words = ExecWords(terminal);
  for (std::string& word : EnvWords({}, LibpqVariablesFor(Database()))) words.push_back(std::move(word));
  words.emplace_back("psql");
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

}  // namespace rotv::launch
