#include "sync/formats/foreign_keys.h"

#include "sync/formats/sql_statements.h"

namespace rotv::formats {
namespace {

std::optional<TableName> TableNameOf(std::string_view name) {
  std::vector<std::string> parts = NameParts(name);
  if (parts.size() != 2) return std::nullopt;
  return TableName{std::move(parts[0]), std::move(parts[1])};
}

std::string_view AlterTableWords(std::string_view statement) {
  return statement.starts_with("ALTER TABLE ONLY ") ? "ALTER TABLE ONLY " : "ALTER TABLE ";
}

struct ListedColumn {
  std::string name;
  bool is_period = false;
};

// Removes "(a, "b c", PERIOD d)" from the front of `text`. Nothing if it is not there.
std::optional<std::vector<ListedColumn>> TakeColumns(std::string_view* text) {
  if (!text->starts_with('(')) return std::nullopt;
  std::vector<ListedColumn> columns;
  std::vector<std::string_view> words;  // Of the column at hand.
  PsqlLexer lexer(*text);
  lexer.Next();
  for (PsqlLexer::Token token = lexer.Next(); token.kind != PsqlLexer::Kind::kEnd; token = lexer.Next()) {
    if (SeparatesTokens(token)) continue;
    if (token.text != "," && token.text != ")") {
      words.push_back(token.text);
      continue;
    }
    const bool is_period = words.size() == 2 && words[0] == "PERIOD";
    if (words.size() != 1 && !is_period) return std::nullopt;
    std::vector<std::string> parts = NameParts(words.back());
    if (parts.size() != 1) return std::nullopt;
    columns.push_back({std::move(parts[0]), is_period});
    words.clear();
    if (token.text == ",") continue;
    text->remove_prefix(lexer.position());
    return columns;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ForeignKeyText> ForeignKeyOf(std::string_view statement) {
  const std::optional<std::string_view> table = TakeNameAfter(AlterTableWords(statement), &statement);
  if (!table) return std::nullopt;
  const std::optional<std::string_view> name = TakeNameAfter("\n    ADD CONSTRAINT ", &statement);
  constexpr std::string_view kForeignKey = " FOREIGN KEY ";
  if (!name || !statement.starts_with(kForeignKey)) return std::nullopt;
  statement.remove_prefix(kForeignKey.size());
  const std::optional<TableName> own_table = TableNameOf(*table);
  const std::vector<std::string> own = NameParts(*name);
  const std::optional<std::vector<ListedColumn>> columns = TakeColumns(&statement);
  const std::optional<std::string_view> referenced = TakeNameAfter(" REFERENCES ", &statement);
  if (!own_table || own.size() != 1 || !columns || !referenced) return std::nullopt;
  const std::optional<TableName> other_table = TableNameOf(*referenced);
  const std::optional<std::vector<ListedColumn>> others = TakeColumns(&statement);
  if (!other_table || !others || others->size() != columns->size()) return std::nullopt;
  ForeignKeyText key{
      .table = *own_table, .name = own[0], .columns = {}, .referenced = *other_table, .referenced_columns = {}};
  key.is_checked = !statement.ends_with(" NOT VALID;") && !statement.ends_with(" NOT ENFORCED;");
  for (size_t i = 0; i < columns->size(); ++i) {
    if ((*columns)[i].is_period) continue;
    key.columns.push_back((*columns)[i].name);
    key.referenced_columns.push_back((*others)[i].name);
  }
  return key;
}

std::vector<ForeignKeyText> ForeignKeysIn(std::string_view post_data, bool standard_strings) {
  std::vector<ForeignKeyText> keys;
  SqlStatements statements(post_data, standard_strings);
  while (const std::optional<std::string_view> statement = statements.Next()) {
    if (std::optional<ForeignKeyText> key = ForeignKeyOf(*statement)) keys.push_back(*std::move(key));
  }
  return keys;
}

std::vector<PartitionText> PartitionsIn(std::string_view pre_data, bool standard_strings) {
  std::vector<PartitionText> partitions;
  SqlStatements statements(pre_data, standard_strings);
  while (std::optional<std::string_view> statement = statements.Next()) {
    const std::optional<std::string_view> of = TakeNameAfter(AlterTableWords(*statement), &*statement);
    if (!of) continue;
    const std::optional<std::string_view> partition = NameAfter(" ATTACH PARTITION ", *statement);
    if (!partition) continue;
    const std::optional<TableName> whole = TableNameOf(*of);
    const std::optional<TableName> part = TableNameOf(*partition);
    if (whole && part) partitions.push_back({*part, *whole});
  }
  return partitions;
}

}  // namespace rotv::formats
