// What a check of the stored files finds. Plain data.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/data_file.h"

namespace rotv::check {

// Fix is what can be done about damage.
enum class Fix {
  kRepair,    // `check --repair`: what is lost is copied from the source, or done without.
  kPull,      // The next pull.
  kBaseline,  // `baseline --force`: nothing that is here can be used.
  kRestore,   // The file is to be put back from a copy.
};

struct Finding {
  std::filesystem::path file;       // Or the store's directory, if no single file is to blame.
  std::string problem;              // "it is missing"
  std::string meaning;              // What is lost by it: "rows of the tables below"
  std::vector<std::string> tables;  // Quoted names of the tables whose rows it concerns.
  std::vector<std::string> states;  // The states that cannot be had: "head", "baseline", names of snapshots.
  Fix fix = Fix::kRepair;
  bool repaired = false;
};

// A state that an earlier repair could not save.
struct LostState {
  std::string state;
  std::vector<std::string> tables;  // Quoted names of the tables that lack rows.
};

struct StoreReport {
  std::filesystem::path path;
  uint64_t bytes = 0;  // On disk.
  uint64_t files = 0;  // Files of tables.
  uint64_t files_read = 0;
  uint64_t bytes_read = 0;  // Of them, completely.
  std::vector<Finding> findings;
  std::vector<LostState> lost;
  std::vector<DataFile> damaged;  // Files of rows and of the change log with a finding of kRepair.
};

}  // namespace rotv::check
