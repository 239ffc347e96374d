#include "cli/migrations/migrations.h"

#include <fmt/format.h>
#include <strings.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <system_error>

#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv::migrations {
namespace {

using std::filesystem::path;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Orders "2_a" before "10_b": runs of digits are compared as numbers.
bool NumbersFirst(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (IsDigit(a[0]) && IsDigit(b[0])) {
      auto number = [](std::string_view& text) {
        text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
        size_t end = 0;
        while (end < text.size() && IsDigit(text[end])) ++end;
        std::string_view digits = text.substr(0, end);
        text.remove_prefix(end);
        return digits;
      };
      std::string_view first = number(a), second = number(b);
      if (first.size() != second.size()) return first.size() < second.size();
      if (first != second) return first < second;
    } else {
      if (a[0] != b[0]) return a[0] < b[0];
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  return a.size() < b.size();
}

bool IsRepeated(const path& file) { return file.filename().native().starts_with("R__"); }

bool GoesBack(const path& file) {
  const std::string name = file.filename();
  bool undo = name.size() > 1 && name[0] == 'U' && IsDigit(name[1]) && name.find("__") != std::string::npos;
  return undo || name == "down.sql" || name.ends_with(".down.sql");
}

// In a container the application's user is another one than ours.
void OpenToAll(const path& directory) {
  using std::filesystem::perms;
  constexpr perms kRead = perms::owner_read | perms::group_read | perms::others_read;
  constexpr perms kEnter = perms::owner_exec | perms::group_exec | perms::others_exec;
  const auto open = [](const path& file, perms added) {
    std::filesystem::permissions(file, added, std::filesystem::perm_options::add);
  };
  open(directory, kRead | kEnter);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_directory() && !entry.is_symlink()) open(entry.path(), kRead | kEnter);
    if (entry.is_regular_file() && !entry.is_symlink()) open(entry.path(), kRead);
  }
}

bool IsHidden(const path& file) {
  return std::any_of(file.begin(), file.end(), [](const path& part) { return part.native().starts_with('.'); });
}

// Returns all regular files except hidden ones, as relative paths.
std::vector<path> FilesBelow(const path& directory) {
  std::vector<path> files;
  using std::filesystem::directory_options;
  try {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
      path relative = entry.path().lexically_relative(directory);
      if (entry.is_regular_file() && !IsHidden(relative)) files.push_back(std::move(relative));
    }
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error(ErrorCode::kUsage,
                fmt::format("the migrations in {} cannot be read: {}", directory.native(), error.code().message()),
                "\"migrations\" in [schema] of rotv.toml says where they are");
  }
  return files;
}

std::vector<path> MigrationFiles(const path& directory) {
  std::vector<path> files = FilesBelow(directory);
  std::erase_if(files, [](const path& file) { return file.extension() != ".sql" || GoesBack(file); });
  std::sort(files.begin(), files.end(), [](const path& a, const path& b) {
    if (IsRepeated(a) != IsRepeated(b)) return IsRepeated(b);
    return NumbersFirst(a.native(), b.native()) || (!NumbersFirst(b.native(), a.native()) && a < b);
  });
  return files;
}

std::string ReadSql(const path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in) {
    throw Error(ErrorCode::kUsage, fmt::format("the migration {} cannot be read", file.native()),
                "check its permissions");
  }
  return std::string(ForwardPart(text));
}

void WriteFile(const path& file, std::string_view content) {
  std::error_code problem;
  std::filesystem::create_directories(file.parent_path(), problem);
  WriteNewFile(file, content);
}

}  // namespace

std::string_view ForwardPart(std::string_view sql) {
  constexpr std::array<std::string_view, 4> kWayBack = {"-- migrate:down", "-- +goose down", "-- +migrate down",
                                                        "-- down migration"};
  for (size_t line = 0; line < sql.size();) {
    size_t end = std::min(sql.find('\n', line), sql.size());
    for (std::string_view mark : kWayBack) {
      // Upper and lower case are equal: goose writes "-- +goose Down".
      bool marked = end - line >= mark.size() && strncasecmp(sql.data() + line, mark.data(), mark.size()) == 0;
      if (marked) return sql.substr(0, line);
    }
    line = end + 1;
  }
  return sql;
}

std::vector<Migration> ReadMigrations(const path& directory) {
  std::vector<Migration> migrations;
  for (path& file : MigrationFiles(directory)) {
    std::string sql = ReadSql(directory / file);
    migrations.push_back({std::move(file), std::move(sql)});
  }
  if (migrations.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("there are no SQL files in {}", directory.native()),
                "if a program runs the migrations, name it: command = \"npm run migrate\" in [schema] of rotv.toml");
  }
  return migrations;
}

path FindMigrations(const path& directory) {
  for (const char* place : {"", "backend", "server"}) {
    for (const char* name : {"migrations", "db/migrations", "db/migrate", "database/migrations", "sql/migrations",
                             "prisma/migrations", "supabase/migrations", "drizzle"}) {
      path found = directory / place / name;
      if (std::filesystem::is_directory(found) && !MigrationFiles(found).empty()) return found;
    }
  }
  return {};
}

void CopyMigrations(const path& directory, const std::vector<Migration>& migrations, const path& target) {
  std::filesystem::remove_all(target);
  for (const Migration& migration : migrations) WriteFile(target / migration.path, migration.sql);
  for (const path& file : FilesBelow(directory)) {
    if (file.extension() == ".sql" && !GoesBack(file)) continue;
    std::error_code problem;
    std::filesystem::create_directories((target / file).parent_path(), problem);
    std::filesystem::copy_file(directory / file, target / file, problem);
    if (problem) {
      throw Error(ErrorCode::kDisk,
                  fmt::format("{} cannot be copied: {}", (directory / file).native(), problem.message()),
                  "check its permissions, and the free space on the disk of the home directory");
    }
  }
  OpenToAll(target);
}

uint64_t MigrationsFingerprint(const std::vector<Migration>& migrations) {
  std::string all;
  for (const Migration& migration : migrations) {
    all += fmt::format("{}\n{}\n{}", migration.path.native(), migration.sql.size(), migration.sql);
  }
  return XXH3_64bits(all.data(), all.size());
}

}  // namespace rotv::migrations
