// Runs [hooks] of rotv.toml, and its ping, once a pull or a publication is done or has failed. Whatever goes wrong in
// that is a warning: the pull is what it was, and its exit code says so.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/config/hook_config.h"
#include "cli/output/output.h"
#include "cli/program/program.h"

namespace rotv::program {

// The hooks of one run, of one source. Within a hook's own programs it does nothing: they would never end.
class Hooks {
 public:
  // Throws what Config::Hooks() does, so that nothing is done first. The call outlives this object.
  Hooks(const Invocation& call, std::string source);

  // Runs the pull or publication, and after it what its end asks for: Failed() or Done(). Returns the exit code, throws
  // its Error. An interrupted run is neither done nor failed.
  int Around(const std::function<int()>& run);
  // The same for a run that says itself when a part of it is done.
  int TellFailure(const std::function<int()>& run);

  // `document` is what --json prints. These throw kInterrupted alone.
  void AfterPull(const output::Json& document);
  void AfterPublish(const output::Json& document);
  // A part of the run has failed, which goes on all the same.
  void PartFailed(const Error& error);
  void Failed(const Error& error);
  void Done();  // A hook that failed is a failed run for the ping: nobody reads warnings of a run at night.

  // From now on Done() and Failed() only note how it went, for whoever pings once for several sources.
  void LeavePing() { leaves_ping_ = true; }
  // True unless the run or a hook has failed.
  bool all_is_well() const { return all_is_well_; }
  // True if each source has a ping of its own: its name is in the URL.
  bool PingsEachSource() const;
  // Without it, or for all sources.
  void Ping(bool is_well);

 private:
  void Run(const char* hook, const std::vector<std::string>& words, const output::Json& document);
  os::Environment EnvironmentOf(const char* hook) const;

  const Invocation& call_;
  const std::string source_;
  const config::HookConfig config_;
  bool leaves_ping_ = false;
  bool all_is_well_ = true;
};

}  // namespace rotv::program
