// Reads what capture.sh captured from a real server. Throws std::runtime_error if a file cannot be read.

#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace rotv {

inline std::string ReadCaptured(const std::string& name) {
  std::ifstream file(std::string(ROTV_SOURCE_DIR) + "/tests/sync/formats/captured/" + name, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read the captured file " + name);
  return text.str();
}

// Line ends are skipped.
inline std::string FromHex(std::string_view hex) {
  std::string bytes;
  std::string digits;
  for (char digit : hex) {
    if (digit == '\n' || digit == ' ') continue;
    digits.push_back(digit);
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<char>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

// One message that the server's slot sent, and what the server reports about it.
struct CapturedMessage {
  std::string lsn;             // For a Commit, the end of its record.
  uint32_t xid = 0;            // 0 for a logical message outside of a transaction.
  int64_t commit_time_us = 0;  // Unix time.
  std::string bytes;
};

inline std::vector<CapturedMessage> ReadCapturedMessages() {
  std::istringstream lines(ReadCaptured("pgoutput.hex"));
  std::vector<CapturedMessage> messages;
  CapturedMessage message;
  std::string hex;
  while (lines >> message.lsn >> message.xid >> message.commit_time_us >> hex) {
    message.bytes = FromHex(hex);
    messages.push_back(message);
  }
  return messages;
}

}  // namespace rotv
