#include "sync/mask/personal.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace rotv {
namespace {

// Words of a name: "contactEmail2", "contact_email" and "CONTACT-EMAIL" are all contact, email.
std::vector<std::string> WordsOf(const std::string& name) {
  std::vector<std::string> words(1);
  bool was_lower = false;
  for (char c : name) {
    const bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
    if ((!upper && !lower) || (upper && was_lower)) words.emplace_back();
    if (upper || lower) words.back().push_back(static_cast<char>(upper ? c - 'A' + 'a' : c));
    was_lower = lower;
  }
  words.erase(std::remove(words.begin(), words.end(), ""), words.end());
  return words;
}

struct Sign {
  std::vector<const char*> words;  // All of them, in this order, next to each other.
  const char* rule;
};

// The first that is found counts.
const std::vector<Sign>& TextSigns() {
  static const std::vector<Sign> kSigns = {{{"password"}, "password"},
                                           {{"passwd"}, "password"},
                                           {{"pwd"}, "password"},
                                           {{"passphrase"}, "password"},
                                           {{"email"}, "email"},
                                           {{"mail"}, "email"},
                                           {{"e", "mail"}, "email"},
                                           {{"token"}, "hash"},
                                           {{"secret"}, "hash"},
                                           {{"api", "key"}, "hash"},
                                           {{"apikey"}, "hash"},
                                           {{"session", "id"}, "hash"},
                                           {{"cookie"}, "hash"},
                                           {{"salt"}, "hash"},
                                           {{"otp"}, "hash"},
                                           {{"phone"}, "phone"},
                                           {{"telephone"}, "phone"},
                                           {{"mobile"}, "phone"},
                                           {{"fax"}, "phone"},
                                           {{"tel"}, "phone"},
                                           {{"first", "name"}, "first_name"},
                                           {{"firstname"}, "first_name"},
                                           {{"given", "name"}, "first_name"},
                                           {{"forename"}, "first_name"},
                                           {{"middle", "name"}, "first_name"},
                                           {{"last", "name"}, "last_name"},
                                           {{"lastname"}, "last_name"},
                                           {{"surname"}, "last_name"},
                                           {{"family", "name"}, "last_name"},
                                           {{"full", "name"}, "name"},
                                           {{"fullname"}, "name"},
                                           {{"display", "name"}, "name"},
                                           {{"user", "name"}, "text"},
                                           {{"username"}, "text"},
                                           {{"login"}, "text"},
                                           {{"nickname"}, "text"},
                                           {{"street"}, "address"},
                                           {{"address"}, "address"},
                                           {{"postcode"}, "text"},
                                           {{"postal", "code"}, "text"},
                                           {{"zip"}, "text"},
                                           {{"iban"}, "text"},
                                           {{"bic"}, "text"},
                                           {{"card", "number"}, "text"},
                                           {{"account", "number"}, "text"},
                                           {{"ssn"}, "text"},
                                           {{"passport"}, "text"},
                                           {{"tax", "id"}, "text"},
                                           {{"ip"}, "ip"},
                                           {{"ip", "address"}, "ip"},
                                           {{"user", "agent"}, "text"}};
  return kSigns;
}

bool Has(const std::vector<std::string>& words, const Sign& sign) {
  return std::search(words.begin(), words.end(), sign.words.begin(), sign.words.end()) != words.end();
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool LooksLikeEmail(const std::string& value) {
  const size_t at = value.find('@');
  return at != std::string::npos && at > 0 && value.find('.', at + 2) != std::string::npos &&
         value.find(' ') == std::string::npos && value.back() != '.';
}

// 13 to 19 digits with a check digit (Luhn), with or without spaces and hyphens.
bool LooksLikeCard(const std::string& value) {
  int digits = 0, sum = 0;
  for (auto c = value.rbegin(); c != value.rend(); ++c) {
    if (*c == ' ' || *c == '-') continue;
    if (!IsDigit(*c)) return false;
    const int digit = *c - '0';
    sum += digits % 2 == 0 ? digit : digit < 5 ? 2 * digit : 2 * digit - 9;
    ++digits;
  }
  return digits >= 13 && digits <= 19 && sum % 10 == 0 && sum > 0;
}

// 7 to 15 digits between signs of phone numbers; nothing but digits is any number, unless it begins as one.
bool LooksLikePhone(const std::string& value) {
  int digits = 0, signs = 0;
  for (char c : value) {
    if (IsDigit(c)) {
      ++digits;
    } else if (std::string_view("+ ()-/.").find(c) != std::string_view::npos) {
      ++signs;
    } else {
      return false;
    }
  }
  const bool date = value.size() == 10 && value[4] == '-' && value[7] == '-';
  return digits >= 7 && digits <= 15 && !date &&
         (value[0] == '+' || (value[0] == '0' && value[1] != '.') || signs >= 2) &&
         value.find("..") == std::string::npos && std::count(value.begin(), value.end(), '.') != 1;
}

bool LooksLikeIp(const std::string& value) {
  int numbers = 0, number = -1;
  for (char c : value + ".") {
    if (IsDigit(c)) {
      number = std::max(number, 0) * 10 + (c - '0');
      if (number > 255) return false;
    } else if (c == '.' && number >= 0) {
      ++numbers;
      number = -1;
    } else {
      return false;
    }
  }
  return numbers == 4;
}

// 20 characters or more without a space, with letters and digits in turns: keys, hashes, tokens.
bool LooksLikeToken(const std::string& value) {
  int digits = 0, letters = 0;
  for (char c : value) {
    if (IsDigit(c)) {
      ++digits;
    } else if (IsLetter(c)) {
      ++letters;
    } else if (std::string_view("_-.+/=$").find(c) == std::string_view::npos) {
      return false;
    }
  }
  const auto size = static_cast<int>(value.size());
  return size >= 20 && digits >= size / 10 && letters >= size / 10;
}

}  // namespace

Suspicion SuspectByValues(const std::vector<std::string>& values) {
  struct Kind {
    bool (*looks)(const std::string& value);
    const char* rule;
    const char* what;
  };
  constexpr Kind kKinds[] = {{LooksLikeEmail, "email", "e-mail addresses"},
                             {LooksLikeIp, "ip", "addresses of the net"},
                             {LooksLikeCard, "text", "card numbers"},
                             {LooksLikePhone, "phone", "phone numbers"},
                             {LooksLikeToken, "hash", "tokens or keys"}};
  constexpr size_t kAtLeast = 3;
  for (const Kind& kind : kKinds) {
    size_t alike = 0;
    for (const std::string& value : values) alike += !value.empty() && kind.looks(value);
    // A few others may be among them: test data, placeholders.
    if (alike >= kAtLeast && alike * 3 >= values.size()) {
      return {kind.rule, fmt::format("{} of {} values look like {}", alike, values.size(), kind.what)};
    }
  }
  return {};
}

Suspicion SuspectByName(const MaskColumn& column) {
  if (column.generated) return {};
  const std::vector<std::string> words = WordsOf(column.name);
  const std::string& type = column.type;
  const bool text = type == "text" || type == "varchar" || type == "bpchar" || type == "citext";
  if (type == "inet" || type == "cidr") return {"ip", "its type"};
  if (text) {
    // "ip_address" is one of the net.
    if (Has(words, {{"ip"}, "ip"})) return {"ip", "its name"};
    for (const Sign& sign : TextSigns()) {
      if (Has(words, sign)) return {sign.rule, "its name"};
    }
  }
  const bool born = Has(words, {{"birth"}, ""}) || Has(words, {{"birthday"}, ""}) || Has(words, {{"birthdate"}, ""}) ||
                    Has(words, {{"dob"}, ""}) || Has(words, {{"born"}, ""});
  if (born && (type == "date" || type == "timestamp" || type == "timestamptz")) return {"date", "its name"};
  if ((Has(words, {{"salary"}, ""}) || Has(words, {{"income"}, ""})) &&
      (type == "numeric" || type == "int4" || type == "int8" || type == "float8")) {
    return {"number", "its name"};
  }
  return {};
}

}  // namespace rotv
