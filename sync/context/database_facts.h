// What a dump does not say of the source's database, and one that runs in its place needs. Plain data.

#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace rotv {

// Of two settings of the same name the later level counts.
enum class SettingLevel { kServer = 1, kAll, kDatabase, kRole, kRoleInDatabase };

struct DatabaseSetting {
  SettingLevel level = SettingLevel::kServer;
  std::string role;  // Of the last two levels.
  std::string name;
  std::string value;  // As pg_db_role_setting has it: the elements of a list are quoted.
};

struct DatabaseCollation {
  std::string schema;
  std::string name;
  std::string collate;
  std::string ctype;
};

// Texts of the source's owner: UTF-8 without zero bytes, names without line breaks, all of it no more than what a
// process takes as its environment. Nothing else is known of them.
struct DatabaseFacts {
  int server_version = 0;  // 150020. 0: the facts are not known, and all else is empty.
  std::string encoding;
  std::string locale_provider;  // libc, icu or builtin.
  std::string collate;
  std::string ctype;
  std::string locale;  // Of ICU, or of the builtin provider.
  std::string icu_rules;
  std::string collation_version;  // Empty: not known, or it sorts by bytes.
  std::string lc_monetary;        // The format in which a seed has amounts of money.
  std::vector<DatabaseSetting> settings;
  std::set<std::string> roles;  // They own something, or are granted something.
  std::set<std::string> tablespaces;
  std::string application_role;
  std::vector<DatabaseCollation> collations;  // Of libc.
  std::vector<std::string> left_out;          // Names of settings that have no such text, or were too many.

  int major() const { return server_version / 10000; }
};

// The settings that a session of `role` has, each once, by name in lower case.
std::vector<DatabaseSetting> SettingsOf(const DatabaseFacts& facts, const std::string& role);

// The locales of libc that the database and its collations need, as they are named there; each is a word of letters,
// digits and "_.@-". Without C and POSIX, which are everywhere.
std::set<std::string> NeededLocales(const DatabaseFacts& facts);

}  // namespace rotv
