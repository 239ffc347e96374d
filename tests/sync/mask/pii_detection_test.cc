// Tests which names, types and values PII detection finds, and which rules it suggests for them.

#include "sync/mask/pii_detection.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "sync/mask/pii_names.h"

namespace rotv {
namespace {

using Kind = mask::TypePart::Kind;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(PiiNamesTest, NamesOfPiiAreRecognizedInManyForms) {
  struct NameCase {
    Kind kind;
    const char* rule;
    std::vector<const char*> names;
  };
  const std::vector<NameCase> cases = {
      {Kind::kText,
       "email",
       {"email", "Email", "e_mail", "eMail", "contactEmail2", "CONTACT-EMAIL", "emails", "email_list", "raw_email",
        "emailaddress", "mail", "main_mail", "courriel", "correo", "correo_electronico", "email_id", "email_domain"}},
      {Kind::kText,
       "phone",
       {"phone", "phones", "phoneNumber", "mobile", "cellphone", "fax", "tel", "telefon", "telefonnummer",
        "TelefonPrivat", "téléphone", "teléfono", "handynummer", "msisdn"}},
      {Kind::kText,
       "first_name",
       {"first_name", "firstName", "FIRSTNAME", "given_names", "vorname", "prenom", "prénom"}},
      {Kind::kText,
       "last_name",
       {"last_name", "last_names", "surname", "nachname", "apellido", "apellidos", "cognome"}},
      {Kind::kText, "name", {"full_name", "display_name", "customer_name", "cardholder"}},
      {Kind::kText,
       "address",
       {"address", "addresses", "street", "street2", "strasse", "straße", "Straße", "anschrift", "adresse", "direccion",
        "dirección", "billing_address_line_1"}},
      {Kind::kText, "password", {"password", "passwd", "password_hash", "passwort", "contraseña", "mot_de_passe"}},
      {Kind::kText,
       "hash",
       {"token", "reset_token", "api_key", "apiKey", "session_id", "secrets", "credentials", "salt"}},
      {Kind::kText, "ip", {"ip", "last_ip", "ip_address", "ipAddress", "remote_addr"}},
      {Kind::kText,
       "text",
       {"username", "login", "iban", "ssn", "postcode", "plz", "tax_id", "steuer_id", "passport_number", "card_number",
        "codice_fiscale", "bsn", "religion", "pin", "national_id"}},
      {Kind::kText, "date", {"geburtsdatum", "birth_dates", "date_of_birth", "dob", "naissance", "fecha_nacimiento"}},
      {Kind::kNumber, "phone", {"phone", "mobile_number", "telefon", "fax"}},
      {Kind::kNumber, "text", {"ssn", "zip", "plz", "account_number", "tax_id", "national_id", "iban", "cvv"}},
      {Kind::kNumber, "date", {"birth_year", "year_of_birth"}},
      {Kind::kNumber, "number", {"salary", "gross_income", "gehalt", "net_worth"}},
      {Kind::kNumber, "ip", {"ip", "last_ip"}},
      {Kind::kDate, "date", {"born", "birthday", "birth_dates", "dob", "geburtsdatum", "nacimiento"}},
      {Kind::kUuid, "hash", {"token", "reset_token", "api_key"}},
  };
  for (const NameCase& one : cases) {
    for (const char* name : one.names) {
      EXPECT_EQ(mask::SuspectName(name, one.kind), one.rule) << name << " of kind " << static_cast<int>(one.kind);
    }
  }
}

// A false alarm stops the run, and people would switch the detection off.
TEST(PiiNamesTest, NamesThatOnlyResemblePiiAreNotReported) {
  const std::vector<std::pair<Kind, std::vector<const char*>>> cases = {
      {Kind::kText,
       {"name",
        "title",
        "description",
        "note",
        "slug",
        "status",
        "kind",
        "path",
        "city",
        "country",
        "company",
        "email_status",
        "email_template",
        "email_subject",
        "mail_server",
        "email_type",
        "phone_country_code",
        "address_type",
        "token_type",
        "password_algorithm",
        "email_preferences",
        "hotel",
        "tellers",
        "zipped",
        "ship_via",
        "mailing",
        "faxonomy",
        "description_md",
        "tip",
        "strip",
        "pinned",
        "person",
        "user",
        "author_url",
        "bicycle",
        "loginless",
        "species_name",
        "product_name",
        "",
        "_",
        "123"}},
      {Kind::kNumber,
       {"id",
        "email_count",
        "emails_sent",
        "email",
        "address_id",
        "phone_id",
        "token_count",
        "address",
        "user_id",
        "login_count",
        "failed_login_attempts",
        "password_length",
        "name",
        "age",
        "price",
        "session_id",
        "birth_count",
        "ip_count",
        "ssn_id",
        "pin_count"}},
      {Kind::kDate,
       {"last_email_at", "email_verified_at", "password_changed_at", "created_at", "email", "token_expires",
        "last_login", "phone_confirmed_at"}},
      {Kind::kUuid, {"id", "user_id", "email_id", "session_id", "address", "token_id_unused_count"}},
      {Kind::kNone, {"email", "email_verified", "has_phone", "password", "token"}},
      {Kind::kNetwork, {"email"}},
  };
  for (const auto& [kind, names] : cases) {
    for (const char* name : names) {
      EXPECT_EQ(mask::SuspectName(name, kind), "") << name << " of kind " << static_cast<int>(kind);
    }
  }
}

std::vector<std::string> Times(int count, const char* value) {
  std::vector<std::string> values;
  for (int i = 10; i < 10 + count; ++i) values.push_back(fmt::format(fmt::runtime(value), i));
  return values;
}

TEST(PiiValuesTest, PiiIsRecognizedAnywhereInAValue) {
  const std::vector<std::pair<const char*, std::vector<const char*>>> cases = {
      {"email",
       {"anna{}@secret.example", "write to anna{}@secret.example, please", "<anna{}@secret.example>",
        "mailto:anna{}@secret.example.", R"({{"a": ["anna{}@secret.example"]}})", "{{anna{}@secret.example,x}}",
        R"(("a b","anna{}@secret.example"))", R"("mail"=>"anna{}@secret.example")", "<p>anna{}@secret.example</p>",
        "änne{}@müller.example", R"([["x"],["anna{}@secret.example"]])",
        // anna.a@x.org as bytes, alone and in an array.
        "\\x616e6e61{}6140782e6f7267", R"({{"\\x616e6e61{}6140782e6f7267"}})"}},
      {"phone",
       {"+49 170 55501{}", "+491705550{}", "0170/55501{}", "(030) 1234 5{}", "01705550{}1", "030-1234-5{}",
        R"({{"n": "+49 170 55501{}"}})", "{{+4917055501{}}}", R"(("x","+49 170 55501{}"))"}},
      {"ip", {"10.1.2.{}", "192.168.1.{}/24", "fe80::{}:1", "2001:db8::{}", R"(["10.1.2.{}"])"}},
      {"hash",
       {"$2b$12$abcdefghijklmnopqrstuv{}xxxxxxxxxxxxxxxx", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx{}.abc",
        "sk_live_abcdefghijklmn{}", "-----BEGIN RSA PRIVATE KEY----- {}"}},
      {"json", {R"({{"last_name": "x{}"}})", R"({{"person": {{"birthDate": "x{}"}}}})", R"("ssn"=>"x{}")"}},
  };
  for (const auto& [rule, values] : cases) {
    for (const char* value : values) {
      EXPECT_EQ(mask::SuspectByValues(Times(20, value)).rule, rule) << value;
      // A value that is cut off anywhere is read without harm.
      const std::string whole = Times(1, value)[0];
      for (size_t size = 0; size < whole.size(); ++size) mask::SuspectByValues({whole.substr(0, size)});
    }
  }
  EXPECT_EQ(mask::SuspectByValues({"4111 1111 1111 1111", "5500-0000-0000-0004", "340000000000009"}).rule, "text");
  EXPECT_EQ(
      mask::SuspectByValues({"DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "FR1420041010050500013M02606"})
          .rule,
      "text");
}

TEST(PiiValuesTest, ValuesThatOnlyResemblePiiAreNotReported) {
  for (const char* value : {"plain words {}",
                            "{}",
                            "1234567{}",
                            "2026-11-{}",
                            "{}.11.2026",
                            "11/{}/2026",
                            "2026-11-{} 10:00:00",
                            "1.2.{}",
                            "version 10.2.3.{}",
                            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a{}",
                            "d41d8cd98f00b204e9800998ecf8427{}",
                            "uploads/2024/05/img_202405{}.png",
                            "logo@{}x.png",
                            "@handle{}",
                            "npm@1.2.{}",
                            "{}.5678901",
                            "-81.56789{}",
                            "41.12345{} -81.6543210",
                            "978-3-16-1484{}-0",
                            "00123456789{}",
                            "https://example.com/a/{}",
                            "12:30:{}",
                            "1,234,5{}",
                            "ChIJN1t_tDeuEmsRUsoyG83frY{}",
                            R"({{"title": "x{}", "size": 123456789}})",
                            "{{tag{},other}}",
                            "\\x89504e470d0a1a0a{}",
                            "\\xzz{}",
                            "price: 5 EUR @ {} pieces",
                            "2010 - 20{}"}) {
    EXPECT_EQ(mask::SuspectByValues(Times(20, value)).reason, "") << value;
  }
  EXPECT_EQ(mask::SuspectByValues({}).rule, "");
  EXPECT_EQ(mask::SuspectByValues({"", ""}).rule, "");
}

TEST(PiiValuesTest, AFewAmongManyCountForEmailAddressesInTexts) {
  std::vector<std::string> values = Times(97, "words {}");
  values.insert(values.end(), 2, "words to a@home.example");
  EXPECT_EQ(mask::SuspectByValues(values).rule, "");  // Two may belong to anyone.
  values.insert(values.end(), 4, "words to a@home.example");
  EXPECT_EQ(mask::SuspectByValues(values).reason, "its values (6 of 103 look like e-mail addresses, or contain some)");
  EXPECT_EQ(mask::SuspectByValues({"a@home.example"}).rule, "email");
  EXPECT_EQ(mask::SuspectByValues({"+49 170 5550100", "+49 170 5550100"}).rule, "");
}

TEST(PiiTypesTest, TypesHaveTheirKind) {
  for (const auto& [name, type, category, kind] :
       {std::tuple{"text", 'b', 'S', Kind::kText}, {"citext", 'b', 'S', Kind::kText},
        {"jsonb", 'b', 'U', Kind::kText},          {"hstore", 'b', 'U', Kind::kText},
        {"bytea", 'b', 'U', Kind::kText},          {"unheard_of", 'b', 'U', Kind::kText},
        {"tsvector", 'b', 'U', Kind::kText},       {"int8", 'b', 'N', Kind::kNumber},
        {"money", 'b', 'N', Kind::kNumber},        {"oid", 'b', 'N', Kind::kNone},
        {"regclass", 'b', 'N', Kind::kNone},       {"date", 'b', 'D', Kind::kDate},
        {"timestamptz", 'b', 'D', Kind::kDate},    {"time", 'b', 'D', Kind::kNone},
        {"inet", 'b', 'I', Kind::kNetwork},        {"macaddr", 'b', 'U', Kind::kNetwork},
        {"uuid", 'b', 'U', Kind::kUuid},           {"bool", 'b', 'B', Kind::kNone},
        {"mood", 'e', 'E', Kind::kNone},           {"geometry", 'b', 'U', Kind::kNone},
        {"interval", 'b', 'T', Kind::kNone}}) {
    EXPECT_EQ(mask::KindOfType(name, type, category), kind) << name;
  }
}

// A catalogue of tables with one column each, and what PII detection finds there.
class PiiRulesTest : public ::testing::Test {
 protected:
  struct One {
    std::string pattern, type, constant;
    Kind kind = Kind::kText;
    bool not_null = false, unique = false;
  };
  std::string RuleOf(const std::vector<One>& columns, const std::string& found) {
    tables_ = std::vector<postgres::CatalogTable>(columns.size());
    columns_ = std::vector<postgres::CatalogColumn>(columns.size());
    masks_ = std::vector<mask::MaskColumn>(columns.size());
    types_ = std::vector<mask::TypeParts>(columns.size());
    std::vector<mask::PiiColumn> all;
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::string name = columns[i].pattern.substr(columns[i].pattern.rfind('.') + 1);
      tables_[i].oid = static_cast<uint32_t>(i + 1);
      columns_[i].number = 1;
      masks_[i] = {.name = name, .type = columns[i].type, .not_null = columns[i].not_null, .unique = columns[i].unique};
      types_[i] = {.parts = {{.kind = columns[i].kind, .attributes = {}}}, .constant = columns[i].constant};
      all.push_back({&tables_[i], &columns_[i], &masks_[i], &types_[i], columns[i].pattern});
    }
    for (const mask::PiiRule& rule : mask::RulesFor(mask::DetectByName(all, facts_), facts_)) {
      if (rule.pattern == found) return rule.rule.empty() ? "none" : rule.rule;
    }
    return "not found";
  }

  mask::MaskFacts facts_;
  std::vector<postgres::CatalogTable> tables_;
  std::vector<postgres::CatalogColumn> columns_;
  std::vector<mask::MaskColumn> masks_;
  std::vector<mask::TypeParts> types_;
};

TEST_F(PiiRulesTest, ARuleFitsTheColumnsType) {
  const auto rule = [this](One one) {
    one.pattern = "a.t." + one.pattern;
    return RuleOf({one}, one.pattern);
  };
  EXPECT_EQ(rule({"email", "text", "-"}), "\"email\"");
  EXPECT_EQ(rule({"emails", "_text", "{}"}), "\"null\"");
  EXPECT_EQ(rule({.pattern = "emails", .type = "_text", .constant = "{}", .not_null = true}),
            "{ rule = \"constant\", value = \"{}\" }");
  EXPECT_EQ(rule({"email", "bytea", "\\x00"}), "\"hash\"");
  EXPECT_EQ(rule({"email_list", "jsonb", "{}"}), "\"null\"");
  EXPECT_EQ(rule({.pattern = "email", .type = "hstore", .constant = "\"x\"=>NULL", .not_null = true}),
            R"({ rule = "constant", value = "\"x\"=>NULL" })");
  EXPECT_EQ(rule({"phone", "int8", "0", Kind::kNumber}), "\"null\"");
  EXPECT_EQ(rule({"phone", "int8", "0", Kind::kNumber, true}), "{ rule = \"constant\", value = \"0\" }");
  EXPECT_EQ(rule({"phone", "int8", "0", Kind::kNumber, true, true}), "{ rule = \"number\", by = 1000000000 }");
  EXPECT_EQ(rule({"salary", "numeric", "0", Kind::kNumber, true}), "{ rule = \"number\", by = 1000 }");
  EXPECT_EQ(rule({"born", "date", "1970-01-01", Kind::kDate, true}), "{ rule = \"date\", days = 365 }");
  EXPECT_EQ(rule({"birth_dates", "daterange", "empty", Kind::kDate, true}),
            "{ rule = \"constant\", value = \"empty\" }");
  EXPECT_EQ(rule({"token", "uuid", "0", Kind::kUuid, true, true}), "\"uuid\"");
  EXPECT_EQ(rule({"who", "inet", "0.0.0.0", Kind::kNetwork, true, true}), "\"ip\"");
  EXPECT_EQ(rule({.pattern = "email", .type = "odd", .constant = "", .not_null = true}), "none");
  EXPECT_EQ(rule({"note", "text", "-"}), "not found");
}

TEST_F(PiiRulesTest, BothSidesOfAForeignKeyHaveOneRule) {
  facts_.references = {{.table = 2, .column = 1, .referenced_table = 1, .referenced_column = 1},
                       {.table = 3, .column = 1, .referenced_table = 2, .referenced_column = 1}};
  const std::vector<One> columns = {{"a.people.email", "text", "-", Kind::kText, true, true},
                                    {"a.orders.who", "text", "-", Kind::kText, true, true},
                                    {"a.lines.who", "text", "-"}};
  EXPECT_EQ(RuleOf(columns, "a.lines.who"), "\"email\"");
  const std::vector<One> numbers = {{"a.people.ssn", "int8", "0", Kind::kNumber, true, true},
                                    {"a.orders.who", "int8", "0", Kind::kNumber},
                                    {"a.lines.who", "int8", "0", Kind::kNumber}};
  for (const One& one : numbers) EXPECT_EQ(RuleOf(numbers, one.pattern), "{ rule = \"number\", by = 1000000000 }");
}

}  // namespace
}  // namespace rotv
