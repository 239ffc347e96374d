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
  static const std::vector<Sign> signs = {{{"password"}, "password"},
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
  return signs;
}

bool Has(const std::vector<std::string>& words, const Sign& sign) {
  return std::search(words.begin(), words.end(), sign.words.begin(), sign.words.end()) != words.end();
}

}  // namespace

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
