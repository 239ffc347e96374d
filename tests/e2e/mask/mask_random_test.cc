// Random schemas whose constraints look at values in every way, under random rules: each time either the rules are
// refused before anything is written, or psql imports the masked seed, also after a pull. A failure shows the number
// that makes the same schemas again, and the schema that failed.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "storage/error.h"
#include "sync/mask/fit.h"
#include "sync/mask/mask_plan.h"
#include "sync/mask/read_mask_facts.h"
#include "sync/mask/secret.h"
#include "sync/postgres/catalog.h"
#include "tests/e2e/follow_fixture.h"
#include "tests/integration/direct_source.h"
#include "tests/support/no_progress.h"
#include "tests/support/random/mask_values.h"
#include "tests/support/random/random_mask_types.h"
#include "tests/support/random/random_masks.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

enum class RulesVerdict { kFits, kRefused, kUnchecked };

struct Counts {
  int fits = 0, refused = 0, unchecked = 0;
};

RotvHomeOptions RandomMaskOptions() {
  RotvHomeOptions options = FollowOptions();
  options.way = Way::kDirect;
  return options;
}

class RandomMaskSeeds {
 public:
  RandomMaskSeeds() : rotv_(RandomMaskOptions()) {
    rotv_.server().Exec(kRandomMasksPrelude, kSuperuser);
    WriteFile(SecretFile(), std::string(64, '7') + "\n");
    std::filesystem::permissions(SecretFile(), std::filesystem::perms::owner_read);
    plain_config_ = ReadFile(rotv_.config());
  }

  // Tries `count` schemas at once. False if one fails.
  bool Try(uint64_t seed, int count) {
    SCOPED_TRACE(fmt::format("ROTV_RANDOM_SEED={}", seed));
    Create(seed, count);
    std::vector<MaskRule> fitting, refused;
    Judge(&fitting, &refused);
    if (!refused.empty()) ExpectRefused(refused);
    Configure(fitting);
    rotv_.MustSync({"baseline"});
    bool imports = Import("after the baseline");
    for (const auto& [name, masks] : schemas_) Exec(name, masks.change);
    rotv_.MustSync({"pull"});
    imports = imports && Import("after a pull");
    Remove();
    return imports && !::testing::Test::HasFailure();
  }

  const Counts& counts() const { return counts_; }

 private:
  std::filesystem::path SecretFile() const { return rotv_.directory() / "secret"; }

  void Exec(const std::string& schema, const std::string& statements) {
    rotv_.server().Exec(fmt::format("SET search_path = {}, public; {}", schema, statements));
  }

  void Create(uint64_t seed, int count) {
    for (int i = 0; i < count; ++i) {
      const std::string name = fmt::format("s{}", i);
      schemas_[name] = MakeRandomMasks(seed * 1'000'003 + static_cast<uint64_t>(i), name);
      rotv_.server().Exec("CREATE SCHEMA " + name);
      Exec(name, schemas_[name].create);
    }
  }

  // The next schemas are a source of their own: no mask of these applies to them.
  void Remove() {
    rotv_.MustSync({"detach"});
    std::filesystem::remove_all(rotv_.home());
    for (const auto& [name, masks] : schemas_) rotv_.server().Exec("DROP SCHEMA " + name + " CASCADE");
    schemas_.clear();
  }

  // Asks for each schema by itself what `doctor` and `baseline` ask for all.
  void Judge(std::vector<MaskRule>* fitting, std::vector<MaskRule>* refused) {
    DirectSource direct(rotv_.server());
    const postgres::Catalog catalog = postgres::ReadCatalog(direct.connection());
    const mask::MaskFacts facts = mask::ReadMaskFacts(direct.connection());
    unchecked_.clear();
    for (const auto& [name, masks] : schemas_) {
      postgres::Catalog own = catalog;
      std::erase_if(own.tables, [&schema = name](const auto& table) { return table.schema != schema; });
      const RulesVerdict verdict = VerdictOf(direct.connection(), masks, facts, &own);
      std::vector<MaskRule>& rules = verdict == RulesVerdict::kRefused ? *refused : *fitting;
      rules.insert(rules.end(), masks.rules.begin(), masks.rules.end());
      if (verdict == RulesVerdict::kUnchecked) unchecked_.insert(name);
      ++(verdict == RulesVerdict::kFits      ? counts_.fits
         : verdict == RulesVerdict::kRefused ? counts_.refused
                                             : counts_.unchecked);
    }
  }

  RulesVerdict VerdictOf(postgres::PgConnection& connection, const RandomMasks& masks, const mask::MaskFacts& facts,
                         postgres::Catalog* catalog) {
    SourceConfig source;
    source.mask = {.declared = true, .rules = masks.rules, .unknown = MaskUnknown::kKeep, .secret_file = SecretFile()};
    NoProgress progress;
    const Interrupt interrupt;
    const Context context{.source = source, .home = rotv_.home(), .progress = progress, .interrupt = interrupt};
    try {
      mask::ApplyMaskRules(source, mask::MaskSecretOf(context), facts, mask::MaskLineage(), catalog);
      return mask::RequireFit(connection, context, *catalog).empty() ? RulesVerdict::kFits : RulesVerdict::kUnchecked;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage) << error.what() << masks.Text();
      EXPECT_FALSE(error.hint().empty()) << error.what();
      const std::string schema = masks.rules.front().parts[0] + ".";
      EXPECT_THAT(error.what(), HasSubstr(schema)) << "names no column of\n" << masks.Text();
      return RulesVerdict::kRefused;
    }
  }

  void Configure(const std::vector<MaskRule>& rules) {
    std::string text =
        plain_config_ + fmt::format("[mask]\nmask_unknown = \"keep\"\nmask_secret = \"{}\"\n", SecretFile().native());
    for (const MaskRule& rule : rules) text += fmt::format("\"{}\" = {}\n", rule.pattern, AsToml(rule));
    WriteFile(rotv_.config(), text);
  }

  void ExpectRefused(const std::vector<MaskRule>& rules) {
    Configure(rules);
    for (const char* command : {"doctor", "baseline"}) {
      const Result result = rotv_.Sync({command});
      EXPECT_EQ(result.exit_status, 2) << result.out << result.err;
      EXPECT_THAT(result.out + result.err, HasSubstr("masking"));
    }
    EXPECT_THAT(rotv_.LeftOnSource(), ::testing::IsEmpty());
  }

  // Names every schema that psql stumbles over.
  bool Import(const std::string& when) {
    const std::filesystem::path seed = rotv_.Seed();
    rotv_.server().CreateDatabase("masked");
    const Result psql = rotv_.server().Psql(seed, {"masked", "postgres"}, {"-v", "ON_ERROR_STOP=0"});
    rotv_.server().DropDatabase("masked");
    static const std::regex kError(":([0-9]+): (ERROR: [^]*?)(?=\npsql:|$)");
    const std::vector<std::string> lines = LinesOf(ReadFile(seed));
    bool imports = true;
    for (std::sregex_iterator error(psql.err.begin(), psql.err.end(), kError), end; error != end; ++error) {
      const std::string name = SchemaAt(lines, std::strtoull((*error)[1].str().c_str(), nullptr, 10));
      if (unchecked_.count(name) != 0) continue;
      imports = false;
      ADD_FAILURE() << when << ": " << (*error)[2] << "\n" << (name.empty() ? std::string() : schemas_[name].Text());
    }
    return imports;
  }

  static std::vector<std::string> LinesOf(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(std::move(line));
    return lines;
  }

  // Returns the schema that a statement is about that ends in this line of a seed.
  static std::string SchemaAt(const std::vector<std::string>& lines, size_t line) {
    static const std::regex kTable("\\b(s[0-9]+)\\.");
    std::smatch found;
    for (line = std::min(line, lines.size()); line > 0; --line) {
      if (std::regex_search(lines[line - 1], found, kTable)) return found[1];
    }
    return "";
  }

  RotvHome rotv_;
  std::string plain_config_;
  std::map<std::string, RandomMasks> schemas_;
  std::set<std::string> unchecked_;  // Schemas of which doctor says that something is not checked.
  Counts counts_;
};

uint64_t RandomMaskSeedOr(uint64_t usual) {
  const char* seed = std::getenv("ROTV_RANDOM_SEED");
  return seed == nullptr ? usual : std::strtoull(seed, nullptr, 10);
}

constexpr int kAtOnce = 63;
constexpr int kBatches = 8;  // 504 schemas.

// Labels: slow
TEST(MaskRandomTest, RulesAreRefusedOrTheMaskedSeedImports) {
  RandomMaskSeeds seeds;
  const uint64_t first = RandomMaskSeedOr(1);
  for (uint64_t seed = first; seed < first + kBatches; ++seed) {
    if (!seeds.Try(seed, kAtOnce)) break;
  }
  const Counts& counts = seeds.counts();
  const int all = counts.fits + counts.refused + counts.unchecked;
  RecordProperty("fits", counts.fits);
  RecordProperty("refused", counts.refused);
  EXPECT_GT(counts.fits, all / 4);
  EXPECT_GT(counts.refused, all / 4);
  EXPECT_LT(counts.unchecked, all / 4);
}

TEST(MaskRandomSoakTest, RulesAreRefusedOrTheMaskedSeedImports) {
  const char* given = std::getenv("ROTV_SOAK_MINUTES");
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(given == nullptr ? 1 : std::atoi(given));
  RandomMaskSeeds seeds;
  for (uint64_t seed = RandomMaskSeedOr(1000); std::chrono::steady_clock::now() < end; ++seed) {
    if (!seeds.Try(seed, kAtOnce)) return;
  }
}

}  // namespace
}  // namespace rotv::testing
