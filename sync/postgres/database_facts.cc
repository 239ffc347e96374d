#include "sync/postgres/database_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "storage/error.h"

namespace rotv::postgres {
namespace {

// pg_database has other columns in other versions: to_jsonb() gives NULL for one that is not there.
constexpr const char* kDatabaseSql = R"(
SELECT pg_encoding_to_char(d.encoding), coalesce(j ->> 'datlocprovider', 'c'), d.datcollate, d.datctype,
       coalesce(j ->> 'datlocale', j ->> 'daticulocale', ''), coalesce(j ->> 'daticurules', ''),
       coalesce(j ->> 'datcollversion', ''),
       coalesce((SELECT r.rolname FROM pg_catalog.pg_roles r
                 WHERE r.oid = (SELECT c.relowner FROM pg_catalog.pg_class c
                                WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384
                                GROUP BY c.relowner
                                ORDER BY pg_get_userbyid(c.relowner) = session_user DESC, count(*) DESC, c.relowner
                                LIMIT 1)), '')
FROM pg_catalog.pg_database d, to_jsonb(d) j WHERE d.datname = current_database())";

// A setting is split here, since its bytes may be in the encoding of another database.
constexpr const char* kSettingsSql = R"(
SELECT CASE WHEN s.setrole = 0 THEN CASE WHEN s.setdatabase = 0 THEN 2 ELSE 3 END
            ELSE CASE WHEN s.setdatabase = 0 THEN 4 ELSE 5 END END AS level,
       coalesce(r.rolname, ''), one.setting
FROM pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole,
     unnest(s.setconfig) WITH ORDINALITY one(setting, place)
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
      AND (s.setrole = 0 OR r.rolcanlogin)
ORDER BY level, s.setrole, one.place)";

// Settings of the server's configuration by which an application's sessions behave otherwise. What only costs time or
// memory is left to the machine. Those that PinnedOptions() sets are kShownSettings.
constexpr const char* kServerSettingsSql = R"(
SELECT name, setting FROM pg_catalog.pg_settings
WHERE name IN ('array_nulls', 'backslash_quote', 'check_function_bodies', 'createrole_self_grant',
               'default_text_search_config', 'default_toast_compression', 'default_transaction_deferrable',
               'escape_string_warning', 'gin_fuzzy_search_limit', 'lc_messages', 'lc_numeric', 'lc_time',
               'lo_compat_privileges', 'max_prepared_transactions', 'password_encryption', 'plpgsql.variable_conflict',
               'standard_conforming_strings', 'synchronize_seqscans', 'timezone_abbreviations',
               'track_commit_timestamp', 'transform_null_equals', 'xmlbinary', 'xmloption')
      AND source NOT IN ('database', 'user', 'database user', 'client', 'session', 'interactive')
ORDER BY name)";

// Roles that objects depend on, and all roles where a column may hold the name of any: a value of type regrole or
// aclitem is not read where its role is missing. A started server has a role postgres, which people log in as.
constexpr const char* kRolesSql = R"(
WITH RECURSIVE used(type) AS (
  SELECT DISTINCT a.atttypid FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm') AND a.attnum > 0 AND NOT a.attisdropped
  UNION SELECT part.type FROM used JOIN pg_catalog.pg_type t ON t.oid = used.type, LATERAL (
    SELECT unnest(ARRAY[t.typelem, t.typbasetype])
    UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = t.typrelid AND t.typrelid <> 0 AND a.attnum > 0 AND NOT a.attisdropped) part(type))
SELECT r.rolname
FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid,
     (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) ours
WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass
      AND (s.dbid = ours.oid OR s.dbid = 0 AND s.classid = 'pg_catalog.pg_database'::regclass AND s.objid = ours.oid)
UNION
SELECT r.rolname FROM pg_catalog.pg_roles r
WHERE (r.oid >= 16384 OR r.oid = 10) AND r.rolname <> 'postgres'
      AND EXISTS (SELECT FROM used WHERE type IN ('pg_catalog.regrole'::regtype, 'pg_catalog.aclitem'::regtype))
ORDER BY 1)";

constexpr const char* kTablespacesSql = R"(
SELECT DISTINCT t.spcname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_tablespace t ON t.oid = c.reltablespace
WHERE c.oid >= 16384 AND t.spcname NOT LIKE 'pg\_%' ORDER BY 1)";

constexpr const char* kCollationsSql = R"(
SELECT n.nspname, c.collname, c.collcollate, c.collctype
FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
WHERE c.collprovider = 'c' AND c.collcollate NOT IN ('C', 'POSIX')
      AND (c.oid >= 16384 AND n.nspname <> 'pg_catalog'
           OR EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.refclassid = 'pg_catalog.pg_collation'::regclass AND d.refobjid = c.oid))
ORDER BY 1, 2)";

// Settings that the server shows and our sessions pin (PinnedOptions() and lc_monetary).
constexpr std::array kShownSettings = {"bytea_output",
                                       "DateStyle",
                                       "default_transaction_isolation",
                                       "default_transaction_read_only",
                                       "extra_float_digits",
                                       "idle_in_transaction_session_timeout",
                                       "IntervalStyle",
                                       "lc_monetary",
                                       "lock_timeout",
                                       "search_path",
                                       "statement_timeout",
                                       "TimeZone"};

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

void AddSetting(proto::SettingLevel level, const std::string& name, const std::string& value,
                proto::DatabaseFacts* facts) {
  proto::DatabaseSetting* setting = facts->add_settings();
  setting->set_level(level);
  setting->set_name(name);
  setting->set_value(value);
}

}  // namespace

std::vector<std::string> DatabaseFactsStatements() {
  return {kDatabaseSql, kSettingsSql, kServerSettingsSql, kRolesSql, kTablespacesSql, kCollationsSql};
}

proto::DatabaseFacts ParseDatabaseFacts(std::span<const PgResult> results, const PgConnection& connection) {
  proto::DatabaseFacts facts;
  const PgResult& database = results[0];
  facts.set_server_version(static_cast<uint32_t>(connection.server_version()));
  facts.set_encoding(database.Get(0, 0));
  facts.set_locale_provider(database.Get(0, 1));
  facts.set_collate(database.Get(0, 2));
  facts.set_ctype(database.Get(0, 3));
  facts.set_locale(database.Get(0, 4));
  facts.set_icu_rules(database.Get(0, 5));
  facts.set_collation_version(database.Get(0, 6));
  facts.set_application_role(database.Get(0, 7));
  facts.set_lc_monetary(connection.lc_monetary());
  for (int row = 0; row < results[2].rows(); ++row) {
    AddSetting(proto::SETTING_OF_SERVER, results[2].Get(row, 0), results[2].Get(row, 1), &facts);
  }
  for (int row = 0; row < results[1].rows(); ++row) {
    const std::string text = results[1].Get(row, 2);
    const size_t equals = text.find('=');
    if (equals == std::string::npos) continue;
    AddSetting(static_cast<proto::SettingLevel>(results[1].Int(row, 0)), text.substr(0, equals),
               text.substr(equals + 1), &facts);
    facts.mutable_settings()->rbegin()->set_role(results[1].Get(row, 1));
  }
  for (int row = 0; row < results[3].rows(); ++row) facts.add_roles(results[3].Get(row, 0));
  for (int row = 0; row < results[4].rows(); ++row) facts.add_tablespaces(results[4].Get(row, 0));
  for (int row = 0; row < results[5].rows(); ++row) {
    proto::DatabaseCollation* collation = facts.add_collations();
    collation->set_schema(results[5].Get(row, 0));
    collation->set_name(results[5].Get(row, 1));
    collation->set_collate(results[5].Get(row, 2));
    collation->set_ctype(results[5].Get(row, 3));
  }
  return facts;
}

ShownSettings ReadServerSettings(SourceSession& session) {
  try {
    // SHOW looks no name up: a search_path of the source's owner decides nothing.
    std::string statements;
    for (const char* name : kShownSettings) statements += fmt::format("SHOW {};", name);
    const std::unique_ptr<PgConnection> connection = session.Connect(PgConnection::Kind::kUnpinned);
    const std::vector<PgResult> results = connection->QueryAll(statements);
    ShownSettings shown;
    for (size_t i = 0; i < kShownSettings.size(); ++i) shown.emplace_back(kShownSettings[i], results.at(i).Get(0, 0));
    return shown;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    session.context().progress.Note(fmt::format("the server's settings are not known: {}", error.what()));
    return {};
  }
}

void AddServerSettings(const ShownSettings& shown, const std::string& user, proto::DatabaseFacts* facts) {
  const proto::DatabaseFacts before = *facts;
  for (const auto& [name, value] : shown) {
    const auto hides = [&, key = Lower(name)](const proto::DatabaseSetting& setting) {
      return Lower(setting.name()) == key && (setting.role().empty() || setting.role() == user);
    };
    if (std::any_of(before.settings().begin(), before.settings().end(), hides)) continue;
    AddSetting(proto::SETTING_OF_SERVER, name, value, facts);
  }
}

}  // namespace rotv::postgres
