// An application's migrations as files of SQL: which of them run, in which order, and which part of each.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::drift {

struct Migration {
  std::filesystem::path path;  // Relative to the directory.
  std::string sql;             // The part that goes forward.
};

// The SQL files of `directory` and below, in the order of their paths with numbers as numbers (2_a before 10_b), those
// that Flyway repeats (R__…) last. Left out: hidden ones, and what takes a migration back (x.down.sql, down.sql,
// U2__x.sql). Throws kUsage, with what to do, if it cannot be read or holds none.
std::vector<Migration> ReadMigrations(const std::filesystem::path& directory);

// Without what dbmate, goose, sql-migrate and node-pg-migrate write behind a line for the way back ("-- migrate:down",
// "-- +goose Down", "-- +migrate Down", "-- Down Migration").
std::string_view ForwardPart(std::string_view sql);

// Where an application in `directory` has its migrations by common usage: the first of migrations, db/migrations,
// prisma/migrations and the like, there or in backend/ or server/, that holds SQL files; empty if there is none.
std::filesystem::path FindMigrations(const std::filesystem::path& directory);

// Writes `migrations`, which were read from `directory`, into `target`, which is new on return, and beside them copies
// of all other files, which they may include. Throws kDisk.
void CopyMigrations(const std::filesystem::path& directory, const std::vector<Migration>& migrations,
                    const std::filesystem::path& target);

// Changes when a path or a text does.
uint64_t MigrationsFingerprint(const std::vector<Migration>& migrations);

}  // namespace rotv::drift
