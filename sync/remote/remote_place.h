// Where a remote's objects are stored. Objects have unique names and never change; only the head is replaced.
//
// ReadObject() may be called by any number of threads at once, beside one other call. Besides what is said below, each
// call throws kUnreachable if the place cannot be reached (what may help was tried again by then), kRefused or kUsage
// if it does not allow what is asked for, and kInterrupted.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/error.h"

namespace rotv::remote {

inline constexpr uint64_t kMostHeadBytes = uint64_t{64} << 20;  // A place reads no larger one.

class RemotePlace {
 public:
  virtual ~RemotePlace() = default;

  // For people: "/srv/history".
  virtual const std::string& description() const = 0;

  // From now on a head that was read is kept in this file of ours, too, and ReadHead() takes it from there if the place
  // says that it still is the same. Nothing happens where reading it is as cheap as asking.
  virtual void KeepHeadIn(const std::filesystem::path& /*file*/) {}

  // The head as it is stored; nullopt if nothing was published yet. Throws kCorrupt if it is larger than any head.
  virtual std::optional<std::string> ReadHead() = 0;
  // Replaces the head if it still is `before`, which ReadHead() has given (nullopt: if there is none), and returns
  // true; returns false if somebody else has replaced it meanwhile. Durable on return. Throws kDisk or kRefused if the
  // place cannot be written, kUsage if it cannot tell whether the head still is that one.
  virtual bool ReplaceHead(const std::optional<std::string>& before, std::string_view head) = 0;

  // Throws kCorrupt if there is no such object, or if it has another size.
  virtual std::string ReadObject(const std::string& name, uint64_t bytes) = 0;
  // Says that an object is in use, which a run before this one has left: its age begins again. Returns false if that
  // could not be done, or if there is no such object any more: then it has to be written.
  virtual bool KeepObject(const std::string& name) = 0;
  // Durable on return. An object of this name is replaced.
  virtual void WriteObject(const std::string& name, std::string_view bytes) = 0;

  struct Listed {
    std::string name;
    uint64_t bytes = 0;
    int64_t age_s = 0;  // Since it was written, by the place's clock.
  };
  virtual std::vector<Listed> ListObjects() = 0;
  // Does nothing if there is no such object. Returns false if it may not be removed.
  virtual bool RemoveObject(const std::string& name) = 0;
};

// The error of an object that is not what was published: `has` is "lacks", "has only a part of".
Error NotAsPublished(const std::string& place, std::string_view has, const std::string& name);

}  // namespace rotv::remote
