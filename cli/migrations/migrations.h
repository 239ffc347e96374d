// Reads an application's migrations from SQL files: which of them run, in which order, and which part of each.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rotv::migrations {

struct Migration {
  std::filesystem::path path;  // Relative to the directory.
  std::string sql;             // Without the part that reverts it.
};

// Reads the SQL files of `directory` and below, ordered by their paths with digits compared as numbers (2_a before
// 10_b), and Flyway's repeatable ones (R__…) last. Hidden files, and files that revert a migration (x.down.sql,
// down.sql, U2__x.sql), are left out. Throws kUsage, with what to do, if it cannot be read or has none.
std::vector<Migration> ReadMigrations(const std::filesystem::path& directory);

// Returns `sql` up to the line after which dbmate, goose, sql-migrate and node-pg-migrate have the part that reverts
// the migration ("-- migrate:down", "-- +goose Down", "-- +migrate Down", "-- Down Migration").
std::string_view ForwardPart(std::string_view sql);

// Finds the migrations of an application in `directory` by common usage: the first of migrations, db/migrations,
// prisma/migrations and the like, there or in backend/ or server/, that has SQL files; empty if there is none.
std::filesystem::path FindMigrations(const std::filesystem::path& directory);

// Replaces `target` by a directory with `migrations`, which were read from `directory`, and copies of all other files
// in it, which they may include; all users may read them who reach `target`. Throws kDisk.
void CopyMigrations(const std::filesystem::path& directory, const std::vector<Migration>& migrations,
                    const std::filesystem::path& target);

// Changes if a path or a text changes.
uint64_t MigrationsFingerprint(const std::vector<Migration>& migrations);

}  // namespace rotv::migrations
