// Counts the rows of the largest tables of a started database, while the application starts.

#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "cli/launch/runtime.h"
#include "storage/interrupt.h"

namespace rotv::launch {

struct TableCount {
  std::string name;  // Quoted like an SQL identifier, if necessary.
  uint64_t rows = 0;
  bool exact = true;  // False: as the server estimates.
};

// To count the rows of a table on an overlay would copy all of it to the upper layer: the server opens files to write.
enum class CountRows { kExactly, kAbout };

// Counts on a thread of its own, by one program. The destructor ends it.
class LargestTables {
 public:
  // The database answers. The runtime may be used by other threads at once.
  LargestTables(const Runtime& runtime, CountRows how);
  ~LargestTables();
  LargestTables(const LargestTables&) = delete;
  LargestTables& operator=(const LargestTables&) = delete;

  // Waits for the five tables with the most bytes, without those of which there is no estimate. Throws kCannotStart if
  // they cannot be counted, and kInterrupted if `interrupt` is requested. May be called once.
  std::vector<TableCount> Take(const Interrupt& interrupt);

 private:
  void Count(const std::vector<std::string>& words);

  const CountRows how_;
  Interrupt stop_;
  std::atomic<bool> ended_{false};
  std::vector<TableCount> tables_;  // This and failure_ are the thread's until it has ended.
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace rotv::launch
