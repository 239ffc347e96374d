// TailBuffer keeps the last 64 KiB of a program's output.

#pragma once

#include <string>
#include <string_view>

namespace rotv::os {

class TailBuffer {
 public:
  void Append(std::string_view text) {
    text_.append(text.substr(text.size() > kLimitBytes ? text.size() - kLimitBytes : 0));
    // It is cut only now and then, so that a program with much output does not cause a move of 64 KiB for every line.
    if (text_.size() > 2 * kLimitBytes) text_.erase(0, text_.size() - kLimitBytes);
  }

  std::string text() const { return text_.substr(text_.size() > kLimitBytes ? text_.size() - kLimitBytes : 0); }

 private:
  static constexpr size_t kLimitBytes = 64 * 1024;
  std::string text_;
};

}  // namespace rotv::os
