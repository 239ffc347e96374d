// Manual pages in roff's man macros, made of what the command line declares: one for a program, and one for each of its
// commands with all commands below it.

#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace rotv::program {

struct ManEdition {
  std::string version;
  std::string date;  // 2026-11-30; may be empty.
};

struct ManPage {
  std::string file;  // "rotv-sync-snapshot.1"
  std::string text;
};

// The page of a program, or of one of the commands directly below it.
ManPage ManPageOf(const CLI::App& command, const ManEdition& edition);

// All pages of a program; its own comes first.
std::vector<ManPage> ManPagesOf(const CLI::App& program, const ManEdition& edition);

}  // namespace rotv::program
