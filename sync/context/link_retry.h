// LinkRetry decides whether a command connects again after its link broke, and waits before it does.
//
//   LinkRetry retry(context);
//   for (;;) {
//     try {
//       ... connect; retry.Reached(); work, and whenever something is durable: retry.Progressed() ...
//       return;
//     } catch (const LinkError& error) {
//       retry.Wait(error);
//     }
//   }

#pragma once

#include <chrono>

#include "sync/context/context.h"
#include "sync/context/link_error.h"

namespace rotv {

class LinkRetry {
 public:
  // The times between the attempts: each is twice the one before.
  struct Delays {
    std::chrono::milliseconds first{500};
    std::chrono::milliseconds longest{15'000};
  };

  // Makes as many attempts in a row as the source's `retries` says; none without Context::retry. The context outlives
  // this object.
  explicit LinkRetry(const Context& context) : LinkRetry(context, Delays()) {}
  LinkRetry(const Context& context, Delays delays) : context_(context), delays_(delays) {}

  // The command has been connected to the source; a connection that broke shows that, too. From then on a connection
  // that cannot be made is worth a retry.
  void Reached() { reached_ = true; }

  // Something was done that need not be done again: the attempts are counted from the beginning.
  void Progressed() { attempts_ = 0; }

  // Returns when it is time for the next attempt, after a warning that says which one it is. Throws `error` if a retry
  // would not help or all attempts have been made, and kInterrupted as soon as the interrupt is requested.
  void Wait(const LinkError& error);

  // How often Wait() has returned.
  int retries() const { return retries_; }

 private:
  const Context& context_;
  const Delays delays_;
  bool reached_ = false;
  int attempts_ = 0;  // Since the last progress.
  int retries_ = 0;
};

// The time before an attempt, the first of which is number 1: `delays` and, by chance, up to two fifths more. `chance`
// is from 0 to 1. Pure.
std::chrono::milliseconds DelayBefore(int attempt, const LinkRetry::Delays& delays, double chance);

}  // namespace rotv
