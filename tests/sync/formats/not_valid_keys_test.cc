#include "sync/formats/not_valid_keys.h"

#include <gtest/gtest.h>

#include <string>

namespace rotv::formats {
namespace {

TEST(NotValidKeysTest, OnlyTheNamedForeignKeysAreChanged) {
  const std::string before =
      "--\n-- Name: f(); Type: FUNCTION\n--\n\nCREATE FUNCTION a.f() RETURNS int\n    LANGUAGE sql\n    AS $$\n"
      "ALTER TABLE ONLY a.t\n    ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES a.r(id);\n$$;\n\n"
      "ALTER TABLE ONLY a.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);\n\n";
  const std::string after =
      "\n\nALTER TABLE ONLY a.u\n    ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES a.r(id);\n\n"
      "ALTER TABLE ONLY a.t\n    ADD CONSTRAINT k2 FOREIGN KEY (x) REFERENCES a.r(id) NOT VALID;\n";
  const std::string key =
      "ALTER TABLE ONLY a.t\n    ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES a.r(id) ON DELETE CASCADE";
  const std::string odd =
      "\n\nALTER TABLE \"A.b\".\"t\"\"\n;\"\n    ADD CONSTRAINT \"k; \"\"2\"\"\" FOREIGN KEY (\"x;\") REFERENCES "
      "a.r(id)";
  EXPECT_EQ(
      WithNotValidKeys(before + key + ";" + odd + ";" + after,
                       {{"a", "t", "k"}, {"A.b", "t\"\n;", "k; \"2\""}, {"a", "t", "k2"}, {"a", "t", "t_pkey"}}, true),
      before + key + " NOT VALID;" + odd + " NOT VALID;" + after);
  EXPECT_EQ(WithNotValidKeys(before + key + ";", {}, true), before + key + ";");
}

}  // namespace
}  // namespace rotv::formats
