// Brings the objects of a remote here, several at once, and hands them over in order.
//
// Each is kept in a file of a directory until all have been taken: so a run that was broken off has not read in vain.

#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "proto/remote.pb.h"
#include "storage/interrupt.h"
#include "sync/remote/remote_place.h"

namespace rotv::remote {

class ObjectFetch {
 public:
  // The place and what it has, which outlive the fetch.
  struct Request {
    RemotePlace& place;
    std::vector<const proto::RemoteObject*> objects;  // In the order in which they are wanted.
    // Made if it is missing, with 0700. What an earlier run has left there is used, or removed if it is not wanted.
    std::filesystem::path directory;
  };
  // Begins to read at once, in threads of its own. Throws kDisk if there is no room for the objects, and as much again
  // and a half for the store that is made of them.
  ObjectFetch(Request request, const Interrupt& interrupt);
  // Waits for what is being read.
  ~ObjectFetch();
  ObjectFetch(const ObjectFetch&) = delete;
  ObjectFetch& operator=(const ObjectFetch&) = delete;

  // Returns the next object, whose hash was compared, once it is there. Throws kCorrupt if it is damaged, and what
  // RemotePlace throws.
  std::string Next();

  // What came from the place, and what was here already.
  uint64_t received_bytes() const;
  uint64_t found_bytes() const { return found_bytes_; }

 private:
  void UseWhatIsHere();
  void RequireRoom() const;
  void Work();
  // Reads an object from the place into its file.
  void Read(const proto::RemoteObject& object);
  std::filesystem::path FileOf(const proto::RemoteObject& object) const;

  const Request request_;
  const Interrupt& interrupt_;
  uint64_t found_bytes_ = 0;
  size_t at_ = 0;              // The one that Next() gives.
  std::vector<size_t> first_;  // Of each object: the place of the first one that is the same, which is read for all.

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> is_here_;  // By the place of the object; under the mutex, as all that follows.
  size_t next_ = 0;            // The one that a thread begins with next.
  uint64_t received_bytes_ = 0;
  bool stopping_ = false;
  std::exception_ptr failure_;

  std::vector<std::thread> threads_;  // They use all of the above.
};

}  // namespace rotv::remote
