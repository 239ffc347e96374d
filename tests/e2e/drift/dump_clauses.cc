#include "tests/e2e/drift/dump_clauses.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <regex>
#include <sstream>

#include "sync/formats/psql_lexer.h"

namespace rotv::testing {
namespace {

using formats::PsqlLexer;

std::string Joined(const std::vector<std::string>& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

bool IsNumber(const std::string& token) {
  const size_t first = token.find_first_not_of(" \n'");
  return first != std::string::npos && std::isdigit(static_cast<unsigned char>(token[first])) != 0 &&
         token.find_first_not_of("0123456789' \n", first) == std::string::npos;
}

// Settings say nothing of the schema, and some end the session. Functions of the server's own code, called in another
// way than they are made for, end the server.
bool IsOfServer(const std::vector<std::string>& statement) {
  const std::string text = Joined(statement);
  return text.starts_with("\nSET ") || text.starts_with("\nSELECT ") ||
         text.find("LANGUAGE internal") != std::string::npos || text.find("LANGUAGE c") != std::string::npos ||
         text.find("TYPE grid.token (") != std::string::npos || text.find("CREATE CAST") != std::string::npos;
}

}  // namespace

DumpClauses::DumpClauses(std::string_view dump) {
  PsqlLexer lexer(dump);
  std::vector<std::string> statement;
  std::string space;
  int depth = 0;
  for (PsqlLexer::Token token = lexer.Next(); token.kind != PsqlLexer::Kind::kEnd; token = lexer.Next()) {
    if (token.kind == PsqlLexer::Kind::kBackslash) {
      lexer.SkipLine();
    } else if (token.kind == PsqlLexer::Kind::kSpace || token.kind == PsqlLexer::Kind::kNewline) {
      if (!space.ends_with("\n")) space += token.text;  // Empty lines say nothing.
    } else if (token.kind != PsqlLexer::Kind::kComment) {
      if (token.text == "(") ++depth;
      if (token.text == ")") --depth;
      statement.push_back(space + std::string(token.text));
      space.clear();
      if (token.text == ";" && depth == 0) {
        sql_ += Joined(statement);
        if (!IsOfServer(statement)) changeable_.push_back(statements_.size());
        statements_.push_back(std::move(statement));
        statement.clear();
      }
    }
  }
}

DumpClauses::Mutation DumpClauses::Mutate(Dice& dice) const {
  const size_t chosen = dice.Pick(changeable_);
  std::vector<std::string> tokens = statements_[chosen];
  Mutation mutation{.sql = "", .what = Joined(tokens)};
  const int count = static_cast<int>(tokens.size()) - 1;
  std::vector<size_t> numbers, texts;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (IsNumber(tokens[i])) {
      numbers.push_back(i);
    } else if (tokens[i].ends_with("'") && !tokens[i].ends_with("''")) {
      texts.push_back(i);
    }
  }
  if (!numbers.empty() && dice.OneIn(3)) {
    std::string& number = tokens[dice.Pick(numbers)];
    const size_t digit = number.find_last_of("0123456789");
    number[digit] = number[digit] == '9' ? '8' : static_cast<char>(number[digit] + 1);
    mutation.what += fmt::format("\n  with the number{}", number);
  } else if (!texts.empty() && dice.OneIn(3)) {
    std::string& text = tokens[dice.Pick(texts)];
    text.insert(text.size() - 1, "e");
    mutation.what += fmt::format("\n  with the text{}", text);
  } else if (count < 3 || dice.OneIn(6)) {
    tokens.clear();
    mutation.what += "\n  left out";
  } else {
    const int first = 1 + dice.Below(count - 1);
    const int last = std::min(count, first + 1 + dice.Below(4));
    const std::vector<std::string> gone(tokens.begin() + first, tokens.begin() + last);
    tokens.erase(tokens.begin() + first, tokens.begin() + last);
    mutation.what += fmt::format("\n  without{}", Joined(gone));
  }
  for (size_t i = 0; i < statements_.size(); ++i) mutation.sql += Joined(i == chosen ? tokens : statements_[i]);
  return mutation;
}

std::vector<std::string> LinesThatCount(std::string_view dump) {
  static const std::vector<std::pair<std::regex, std::string>> kDoNotCount = {
      {std::regex("CONSTRAINT (\"[^\"]*\"|\\S+) NOT NULL"), "NOT NULL"},
      {std::regex("CONSTRAINT (\"[^\"]*\"|\\S+) "), "CONSTRAINT _ "},
      {std::regex("(CREATE (UNIQUE )?INDEX) (\"[^\"]*\"|\\S+) ON"), "$1 _ ON"},
      {std::regex("SEQUENCE NAME \\S+"), "SEQUENCE NAME _"},
      {std::regex("ALTER INDEX .* ATTACH PARTITION .*"), "ALTER INDEX _ ATTACH PARTITION _"},
      {std::regex("(ALTER INDEX) \\S+ (ALTER COLUMN)"), "$1 _ $2"},
      {std::regex("(CLUSTER ON|USING INDEX) [^ ;]+"), "$1 _"},
  };
  std::vector<std::string> lines;
  std::istringstream in{std::string(dump)};
  bool of_mapping = false;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.starts_with("--") || line.starts_with("\\")) continue;
    of_mapping = line.starts_with("CREATE USER MAPPING") || (of_mapping && line.starts_with(" "));
    if (of_mapping) line = line.substr(0, line.find(" '"));
    for (const auto& [pattern, replacement] : kDoNotCount) line = std::regex_replace(line, pattern, replacement);
    if (line.ends_with(',')) line.pop_back();
    lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace rotv::testing
