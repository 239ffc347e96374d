// DatabaseFacts as JSON, for the note beside a seed.

#pragma once

#include <nlohmann/json.hpp>

#include "sync/context/database_facts.h"

namespace rotv {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(DatabaseSetting, level, role, name, value)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(DatabaseCollation, schema, name, collate, ctype)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(DatabaseFacts, server_version, encoding, locale_provider, collate,
                                                ctype, locale, icu_rules, collation_version, lc_monetary, settings,
                                                roles, tablespaces, application_role, collations, left_out)

}  // namespace rotv
