#include "sync/capture/privileges.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace rotv::capture {
namespace {

// Returns at most five names, for a message.
std::string FirstNames(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < 5; ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > 5 ? fmt::format("{} and {} more", text, names.size() - 5) : text;
}

std::string SqlLiteral(std::string text) {
  for (size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 2) text.insert(at, "'");
  return "'" + text + "'";
}

// Makes the role of the catalogue a member that has the owners' rights. Since 16 each membership says whether it
// inherits, and a GRANT that does not mention it leaves it as it is; before, the role alone says it.
std::string GrantSql(const std::set<std::string>& owners, const postgres::Catalog& catalog) {
  constexpr int kKnowsInheritOption = 160000;
  const bool by_membership = catalog.server_version >= kKnowsInheritOption;
  std::string sql = fmt::format("GRANT {} TO {}{};", fmt::join(owners, ", "), catalog.quoted_user,
                                by_membership ? " WITH INHERIT TRUE" : "");
  if (!by_membership && !catalog.user_inherits) sql += fmt::format("\nALTER ROLE {} INHERIT;", catalog.quoted_user);
  return sql;
}

void AddLine(const std::string& statement, std::string* sql) { *sql += (sql->empty() ? "" : "\n") + statement; }

}  // namespace

void Privileges::Add(const postgres::CatalogTable& table, const schema::FollowDecision& decision) {
  // pg_dump locks every table, even one whose rows are not kept, and the lock needs these two privileges.
  const bool locked = table.kind != 'f' && (!table.of_extension || table.is_extension_config);
  if (locked && !table.closed_schema.empty()) closed_.insert(table.closed_schema);
  if (locked && !table.readable) {
    unreadable_.push_back(table.quoted_name);
    tables_.push_back(table.quoted_name);
  }
  if (decision.follow == proto::FOLLOW_SCHEMA_ONLY) return;
  if (!table.owned && decision.follow != proto::FOLLOW_COPY) {
    foreign_.push_back(table.quoted_name);
    if (table.owner_can_be_superuser) {
      superuser_owned_.push_back(table.quoted_name);
    } else {
      owners_.insert(table.quoted_owner);
    }
  }
  if (!table.row_security) return;
  secured_.push_back(table.quoted_name);
  if (!table.owned && !table.owner_can_be_superuser) secured_owners_.insert(table.quoted_owner);
}

void Privileges::Add(const postgres::CatalogSequence& sequence) {
  if (!sequence.closed_schema.empty()) closed_.insert(sequence.closed_schema);
  if (sequence.readable) return;
  unreadable_.push_back(sequence.quoted_name);
  sequences_.push_back(sequence.quoted_name);
}

std::vector<Privileges::Missing> Privileges::Listed(const postgres::Catalog& catalog) const {
  const std::string& user = catalog.quoted_user;
  std::vector<Missing> missing;
  if (!foreign_.empty()) {
    missing.push_back(
        {"ownership", "only its owner may publish a table: " + FirstNames(foreign_), OwnershipSql(catalog)});
  }
  if (!closed_.empty()) {
    const std::string schemas = fmt::format("{}", fmt::join(closed_, ", "));
    missing.push_back({"schemas", "no USAGE privilege on: " + schemas,
                       fmt::format("GRANT USAGE ON SCHEMA {} TO {};", schemas, user)});
  }
  if (!unreadable_.empty()) {
    missing.push_back({"reading", "no SELECT privilege on: " + FirstNames(unreadable_), ReadingSql(user)});
  }
  if (!secured_.empty()) {
    missing.push_back({"row security", "policies would hide rows of " + FirstNames(secured_), RowSecuritySql(catalog)});
  }
  if (large_objects_) {
    missing.push_back(
        {"large objects", "no SELECT privilege on some of them",
         fmt::format("DO $$ DECLARE o oid; BEGIN FOR o IN SELECT oid FROM pg_catalog.pg_largeobject_metadata LOOP "
                     "EXECUTE 'GRANT SELECT ON LARGE OBJECT ' || o || {}; END LOOP; END $$;",
                     SqlLiteral(" TO " + user))});
  }
  return missing;
}

std::string Privileges::OwnershipSql(const postgres::Catalog& catalog) const {
  std::string sql;
  if (!owners_.empty()) AddLine(GrantSql(owners_, catalog), &sql);
  for (const std::string& table : superuser_owned_)
    AddLine(fmt::format("ALTER TABLE {} OWNER TO {};", table, catalog.quoted_user), &sql);
  return sql;
}

// Only a superuser may give BYPASSRLS, and on a managed service nobody is one. An owner is not subject to the policies
// of a table unless they are forced on it.
std::string Privileges::RowSecuritySql(const postgres::Catalog& catalog) const {
  if (catalog.service == postgres::Service::kNone) return fmt::format("ALTER ROLE {} BYPASSRLS;", catalog.quoted_user);
  std::string sql;
  if (!secured_owners_.empty()) AddLine(GrantSql(secured_owners_, catalog), &sql);
  for (const std::string& table : secured_)
    AddLine(fmt::format("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY;", table), &sql);
  return sql;
}

std::string Privileges::ReadingSql(const std::string& user) const {
  std::string sql;
  if (!tables_.empty()) AddLine(fmt::format("GRANT SELECT ON {} TO {};", fmt::join(tables_, ", "), user), &sql);
  if (!sequences_.empty()) {
    AddLine(fmt::format("GRANT SELECT ON SEQUENCE {} TO {};", fmt::join(sequences_, ", "), user), &sql);
  }
  return sql;
}

}  // namespace rotv::capture
