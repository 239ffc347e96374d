// A link that is slower than loopback, and worse: a TCP relay on 127.0.0.1 which delays bytes, limits and counts them,
// and can freeze, break, or end one direction. All connections share the link's bandwidth; each direction has its own.
// One thread of its own does the work; every function may be called from any thread.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

namespace rotv::testing {

struct SlowLinkOptions {
  int target_port = 0;  // A port of 127.0.0.1.
  std::chrono::microseconds delay_each_way = std::chrono::milliseconds(20);
  double megabits_per_second = 50;  // In each direction; 0: without a limit.
};

class SlowLink {
 public:
  // Listens on return. Throws std::runtime_error.
  explicit SlowLink(const SlowLinkOptions& options);
  ~SlowLink();
  SlowLink(const SlowLink&) = delete;
  SlowLink& operator=(const SlowLink&) = delete;

  int port() const { return port_; }

  // From now on, for bytes that the link takes in.
  void SetSpeed(std::chrono::microseconds delay_each_way, double megabits_per_second);

  // Payload delivered since the start or ResetCounts().
  uint64_t BytesToTarget() const { return bytes_to_target_; }
  uint64_t BytesToClient() const { return bytes_to_client_; }
  void ResetCounts();

  // Carries nothing until Thaw(); neither peer notices.
  void Freeze();
  void Thaw();
  // Freezes once, after so many more bytes have reached the client.
  void FreezeAfter(uint64_t bytes_to_client);
  bool frozen() const { return frozen_; }
  // Connections that are open now carry nothing any more; new ones do.
  void FreezeOpenOnes();
  // Resets every connection; new ones are accepted.
  void Break();
  // Resets every connection once, after so many more bytes have reached the client; 0: never.
  void BreakAfter(uint64_t bytes_to_client) { FailAfter(Fault::kReset, bytes_to_client); }

  enum class Fault {
    kReset,        // Break()
    kFreeze,       // FreezeOpenOnes()
    kEndToClient,  // The client sees the end of what the target sends, which goes on sending in vain.
    kEndToTarget,  // The other direction.
  };
  // Lets every connection fail once, after so many more bytes have reached the client; 0: never.
  void FailAfter(Fault fault, uint64_t bytes_to_client);
  // How often Break() or FailAfter() has hit open connections.
  int faults() const { return faults_; }
  int Connections() const { return connections_; }

 private:
  struct Pair;
  class Pump;
  void Wake() const;

  const SlowLinkOptions options_;
  int port_ = 0;
  int listen_fd_ = -1;
  int wake_fd_ = -1;
  std::atomic<bool> stop_{false};
  std::atomic<bool> frozen_{false};
  std::atomic<bool> break_now_{false};
  std::atomic<bool> freeze_open_{false};
  std::atomic<uint64_t> fail_after_{0};
  std::atomic<Fault> fault_{Fault::kReset};
  std::atomic<int> faults_{0};
  std::atomic<int64_t> delay_us_{0};
  std::atomic<double> megabits_{0};
  std::atomic<uint64_t> freeze_after_{0};
  std::atomic<uint64_t> bytes_to_target_{0};
  std::atomic<uint64_t> bytes_to_client_{0};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

}  // namespace rotv::testing
