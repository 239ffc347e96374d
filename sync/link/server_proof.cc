#include "sync/link/server_proof.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "storage/error.h"
#include "sync/link/dial.h"

namespace rotv::link {
namespace {

constexpr std::chrono::seconds kAskLimit{10};
constexpr unsigned char kSslRequest[] = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f};  // 80877103

std::string ParameterOf(const PgParameters& parameters, const std::string& name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

bool IsHere(const std::string& host) {
  if (host.empty() || host.front() == '/' || host.front() == '@' || host == "localhost") return true;
  in_addr four{};
  if (inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == IN_LOOPBACKNET;
  in6_addr six{};
  return inet_pton(AF_INET6, host.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

// True if all hosts are this machine; libpq takes lists, separated by commas.
bool AllAreHere(std::string_view hosts) {
  while (true) {
    const size_t comma = std::min(hosts.find(','), hosts.size());
    if (!IsHere(std::string(hosts.substr(0, comma)))) return false;
    if (comma == hosts.size()) return true;
    hosts.remove_prefix(comma + 1);
  }
}

}  // namespace

PgParameters WithDefaults(const PgParameters& given) {
  PgParameters all = given;
  PQconninfoOption* defaults = PQconndefaults();
  if (defaults == nullptr) return all;
  for (const PQconninfoOption* option = defaults; option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    for (const char* name : {"host", "hostaddr", "port", "sslmode", "gssencmode", "dbname", "user"}) {
      if (option->keyword == std::string_view(name)) all.try_emplace(name, option->val);
    }
  }
  PQconninfoFree(defaults);
  return all;
}

bool ProvesServer(const PgParameters& parameters) {
  if (ParameterOf(parameters, "sslmode") == "verify-full" || ParameterOf(parameters, "gssencmode") == "require")
    return true;
  if (parameters.contains("service")) return false;  // It may name a host that this program does not see.
  const std::string address = ParameterOf(parameters, "hostaddr");
  return AllAreHere(address.empty() ? ParameterOf(parameters, "host") : address);
}

bool ServerSpeaksTls(const std::string& host, int port, const Interrupt& interrupt) {
  const auto deadline = std::chrono::steady_clock::now() + kAskLimit;
  try {
    const FileDescriptor fd = DialTcp({host, port, deadline}, interrupt);
    if (send(fd.get(), kSslRequest, sizeof kSslRequest, MSG_NOSIGNAL) != sizeof kSslRequest) return false;
    pollfd polled{fd.get(), POLLIN, 0};
    while (poll(&polled, 1, Interrupt::kPollMs) == 0 && std::chrono::steady_clock::now() < deadline) interrupt.Check();
    char answer = 0;
    return recv(fd.get(), &answer, 1, MSG_DONTWAIT) == 1 && answer == 'S';
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    return false;
  }
}

}  // namespace rotv::link
