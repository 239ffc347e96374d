#include "tests/support/random/random_workload.h"

#include "fmt/format.h"

namespace rotv::testing {
namespace {

// Names are qualified everywhere, and texts do not depend on the server's settings.
constexpr const char* kSession =
    "SET search_path = ''; SET datestyle = ISO; SET intervalstyle = postgres; SET timezone = 'UTC'; "
    "SET bytea_output = hex; SET extra_float_digits = 3; SET lock_timeout = 200";

// The refusal by which the server protects a published table; it ends with a pull.
bool IsThePublications(const std::string& reason) {
  return reason.find("replica identity and publishes") != std::string::npos ||
         reason.find("part of publication") != std::string::npos ||
         reason.find("cannot be replicated") != std::string::npos;
}

// The message without the text in quotes: "relation "a" does not exist" loses its name.
std::string WithoutNames(const std::string& message) {
  std::string text;
  bool quoted = false;
  for (const char c : message.substr(0, message.find('\n'))) {
    if (c == '"') quoted = !quoted;
    if (!quoted || c == '"') text += c;
  }
  return text;
}

}  // namespace

RandomWorkload::RandomWorkload(uint64_t seed, const PostgresServer& server)
    : world_(seed),
      data_(world_),
      tables_(world_),
      columns_(world_),
      objects_(world_),
      session_(server.NewConnection()),
      other_(server.NewConnection()) {
  session_.Exec(kSession);
  other_.Exec(kSession);
}

double RandomWorkload::RefusedShare() const {
  return executed_ == 0 ? 0 : static_cast<double>(refused_) / static_cast<double>(executed_);
}

void RandomWorkload::Setup() {
  Execute(session_, "CREATE SCHEMA \"Odd schema\"; CREATE SCHEMA shop");
  ReadCatalogAgain();
  for (int i = 0; i < 4; ++i) {
    Execute(session_, objects_.CreateType());
    ReadCatalogAgain();
  }
  for (int i = 0; i < 12; ++i) {
    Execute(session_, i % 5 == 4 ? tables_.CreatePartitioned() : tables_.Create());
    ReadCatalogAgain();
  }
  for (int i = 0; i < 12; ++i) {
    Execute(session_, i % 3 == 0 ? columns_.Change() : objects_.Change());
    ReadCatalogAgain();
  }
  for (const RandomTable& table : world_.catalog.tables) Execute(session_, data_.Insert(table));
  for (int i = 0; i < 40; ++i) Execute(session_, data_.Change());
}

std::string RandomWorkload::Statement(Kind kind) {
  if (kind == Kind::kData) return world_.dice.OneIn(25) ? data_.Truncate() : data_.Change();
  switch (world_.dice.Below(5)) {
    case 0:
    case 1:
      return tables_.Change();
    case 2:
    case 3:
      return columns_.Change();
    default:
      return objects_.Change();
  }
}

void RandomWorkload::NoteRefusal(const std::string& reason) {
  statements_.push_back("-- refused: " + reason);
  if (IsThePublications(reason)) return;
  ++refused_;
  ++reasons_[WithoutNames(reason)];
}

bool RandomWorkload::Execute(Connection& session, const std::string& sql) {
  if (sql.empty()) return true;
  statements_.push_back((&session == &other_ ? "/* other session */ " : "") + sql + ";");
  ++executed_;
  try {
    session.Exec(sql);
    return true;
  } catch (const std::runtime_error& error) {
    NoteRefusal(error.what());
    return false;
  }
}

void RandomWorkload::Attempt(Connection& session, const std::string& sql) {
  if (sql.empty()) return;
  session.Exec("SAVEPOINT attempt");
  session.Exec(Execute(session, sql) ? "RELEASE attempt" : "ROLLBACK TO attempt");
}

void RandomWorkload::ReadCatalogAgain() { world_.catalog = ReadCatalog(session_); }

void RandomWorkload::OneByOne(Kind kind) {
  for (int i = 1 + world_.dice.Below(kind == Kind::kData ? 8 : 3); i > 0; --i) {
    Execute(session_, kind == Kind::kSchema && world_.dice.OneIn(6) ? tables_.ChangeAlone() : Statement(kind));
    if (kind == Kind::kSchema) ReadCatalogAgain();
  }
}

void RandomWorkload::EndTransaction() {
  if (world_.dice.OneIn(8)) {
    Execute(session_, "ROLLBACK");
  } else if (world_.dice.OneIn(6)) {
    // Some transactions cannot be prepared; the failed attempt rolls them back.
    const std::string name = SqlLiteral("random " + std::to_string(world_.NextNumber()));
    if (Execute(session_, "PREPARE TRANSACTION " + name)) {
      Execute(session_, (world_.dice.OneIn(3) ? "ROLLBACK PREPARED " : "COMMIT PREPARED ") + name);
    }
  } else {
    Execute(session_, "COMMIT");
  }
}

// Changes data and schema in any order, and rolls parts back.
void RandomWorkload::Transaction() {
  Execute(session_, "BEGIN");
  const int schema_changes_in = world_.dice.OneIn(2) ? 4 : 1000;
  for (int i = 1 + world_.dice.Below(10); i > 0; --i) {
    const Kind kind = world_.dice.OneIn(schema_changes_in) ? Kind::kSchema : Kind::kData;
    if (world_.dice.OneIn(8)) {
      Execute(session_, "SAVEPOINT outer_one");
      for (int j = world_.dice.Below(4); j > 0; --j) Attempt(session_, Statement(kind));
      Execute(session_, world_.dice.OneIn(2) ? "ROLLBACK TO outer_one" : "RELEASE outer_one");
      ReadCatalogAgain();
    }
    Attempt(session_, Statement(kind));
    if (kind == Kind::kSchema) ReadCatalogAgain();
  }
  EndTransaction();
  ReadCatalogAgain();
}

// The other session begins first and ends at any time; if it holds a lock, this session gives up. Reading the catalogue
// would have to wait for such a lock too, so the catalogue read before is used until the end.
void RandomWorkload::TwoSessions() {
  Execute(other_, "BEGIN");
  for (int i = 1 + world_.dice.Below(4); i > 0; --i) Attempt(other_, Statement(Kind::kData));
  const bool schema = world_.dice.OneIn(3);
  if (schema) {
    Execute(session_, Statement(Kind::kSchema));
  } else {
    Execute(session_, "BEGIN");
    for (int i = 1 + world_.dice.Below(4); i > 0; --i) Attempt(session_, Statement(Kind::kData));
  }
  Attempt(other_, Statement(Kind::kData));
  const std::string end = world_.dice.OneIn(5) ? "ROLLBACK" : "COMMIT";
  const bool other_is_first = world_.dice.OneIn(2);
  if (other_is_first) Execute(other_, end);
  if (!schema) Execute(session_, "COMMIT");
  if (!other_is_first) Execute(other_, end);
  ReadCatalogAgain();
}

void RandomWorkload::Step() {
  switch (world_.dice.Below(9)) {
    case 0:
    case 1:
      return OneByOne(Kind::kData);
    case 2:
    case 3:
    case 4:
      return OneByOne(Kind::kSchema);
    case 5:
      return TwoSessions();
    default:
      return Transaction();
  }
}

}  // namespace rotv::testing
