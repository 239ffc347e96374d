#include "sync/formats/schema_roles.h"

#include <gmock/gmock.h>

namespace rotv {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SchemaRolesTest, FindsRolesOfPoliciesAndUserMappings) {
  EXPECT_THAT(
      formats::RolesIn(
          "\nCREATE POLICY p ON public.t FOR SELECT TO reader USING (true);\n"
          "\nCREATE POLICY \"a \"\"TO\"\" b\" ON \"S x\".\"t.u\" AS RESTRICTIVE TO writer, \"Odd, one\", \"a\"\"b\";\n"
          "\nCREATE USER MAPPING FOR mapped SERVER s OPTIONS (\n    \"user\" 'x'\n);\n"
          "\nCREATE USER MAPPING FOR PUBLIC SERVER s;\n"),
      ElementsAre("Odd, one", "a\"b", "mapped", "reader", "writer"));
}

TEST(SchemaRolesTest, FindsNoneWhereNoneIsNamed) {
  EXPECT_THAT(formats::RolesIn("\nCREATE POLICY p ON public.t USING ((v = ' TO nobody'::text));\n"
                               "\nCREATE POLICY q ON public.t FOR INSERT WITH CHECK ((a = b));\n"
                               "COMMENT ON TABLE t IS 'CREATE POLICY p ON t TO nobody';\n"),
              IsEmpty());
  EXPECT_THAT(formats::RolesIn("\nCREATE POLICY"), IsEmpty());
  EXPECT_THAT(formats::RolesIn("\nCREATE POLICY \"p ON t"), IsEmpty());
  EXPECT_THAT(formats::RolesIn(""), IsEmpty());
}

}  // namespace
}  // namespace rotv
