#include "sync/context/link_retry.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <thread>

// A command retries what it has done before: connecting to this source. A first connection that cannot be made fails at
// once, because a wrong host name, a wrong port and a server that is down look the same as a network that is down, and
// whoever has just started the command wants to know; a scheduled run has its own, longer retries. A first connection
// that is made and then breaks is retried, since the place was right. Whatever the source answers (a login refused,
// another host key, a slot that is lost) is never retried: it would answer the same, and many refused logins in a row
// look like an attack.
//
// The delays add up to a minute at least by default, so that a link that is gone for so long is not noticed but for the
// warnings. The jitter spreads the clients of a source that has restarted.

namespace rotv {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr double kMostJitter = 0.4;
constexpr milliseconds kLook{50};

double Chance() {
  std::random_device device;
  return std::uniform_real_distribution<double>(0, 1)(device);
}

void Sleep(milliseconds time, const Interrupt& interrupt) {
  for (const Clock::time_point end = Clock::now() + time; Clock::now() < end;) {
    interrupt.Check();
    std::this_thread::sleep_for(std::min<Clock::duration>(kLook, end - Clock::now()));
  }
  interrupt.Check();
}

}  // namespace

milliseconds DelayBefore(int attempt, const LinkRetry::Delays& delays, double chance) {
  milliseconds delay = delays.first;
  for (int i = 1; i < attempt && delay < delays.longest; ++i) delay *= 2;
  return std::chrono::duration_cast<milliseconds>(std::min(delay, delays.longest) * (1 + kMostJitter * chance));
}

void LinkRetry::Wait(const LinkError& error) {
  context_.interrupt.Check();
  const int most = context_.retry ? context_.source.retries : 0;
  if (error.kind() == LinkError::Kind::kBroke) reached_ = true;
  if (!reached_ || most == 0) throw error;
  if (attempts_ == most) {
    throw LinkError(
        error.kind(),
        fmt::format("{} (gave up after {} {} to reconnect)", error.what(), most, most == 1 ? "attempt" : "attempts"),
        error.hint());
  }
  ++attempts_;
  context_.progress.End();
  context_.progress.Warn(fmt::format("{}; reconnecting, {} of {}", error.what(), attempts_, most));
  Sleep(DelayBefore(attempts_, delays_, Chance()), context_.interrupt);
  ++retries_;
}

}  // namespace rotv
