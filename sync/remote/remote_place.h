// Where a remote's objects are stored. Objects have unique names and never change; only the head is replaced.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::remote {

class RemotePlace {
 public:
  virtual ~RemotePlace() = default;

  // For people: "/srv/history".
  virtual const std::string& description() const = 0;

  // The head as it is stored; nullopt if nothing was published yet. Throws kCorrupt if it is larger than any head.
  virtual std::optional<std::string> ReadHead() = 0;
  // Replaces the head if it still is `before` (nullopt: if there is none), and returns true; returns false if somebody
  // else has replaced it meanwhile. Durable on return. Throws kDisk or kRefused if the place cannot be written.
  virtual bool ReplaceHead(const std::optional<std::string>& before, std::string_view head) = 0;

  // Throws kCorrupt if there is no such object, or if it has another size.
  virtual std::string ReadObject(const std::string& name, uint64_t bytes) = 0;
  // Says that an object is in use, which a run before this one has left: its age begins anew.
  virtual void KeepObject(const std::string& name) = 0;
  // Durable on return. An object of this name is replaced.
  virtual void WriteObject(const std::string& name, std::string_view bytes) = 0;

  struct Listed {
    std::string name;
    uint64_t bytes = 0;
    int64_t age_s = 0;  // Since it was written, by the place's clock.
  };
  virtual std::vector<Listed> ListObjects() = 0;
  // Does nothing if there is no such object.
  virtual void RemoveObject(const std::string& name) = 0;
};

enum class Purpose { kRead, kPublish };
// `directory` is where the remote is. One that is missing is made with kPublish, for its owner alone, and else throws
// kUnreachable. Throws kDisk if it cannot be made.
std::unique_ptr<RemotePlace> OpenPlace(const std::string& directory, Purpose purpose);

}  // namespace rotv::remote
