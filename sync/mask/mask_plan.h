// Decides which columns of the source are masked, and how: it applies the rules of the config, and those that the store
// was masked by before, to the catalogue.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sync/context/context.h"
#include "sync/mask/mask_facts.h"
#include "sync/mask/mask_lineage.h"
#include "sync/mask/masker.h"
#include "sync/mask/pii_sampler.h"
#include "sync/mask/pii_types.h"
#include "sync/postgres/catalog.h"

namespace rotv::mask {

// Reads the catalogue like ReadCatalog(), with what the rules of context.source say about each table and column, and
// with values that the catalogue itself contains masked. Takes one more round trip if there are rules, or were. A mask
// of `lineage` stays in force until a rule of its own replaces it, or a "keep" that names its column ends it. Throws
// kUsage, naming all problems, if a rule names nothing, two rules contradict each other about one column, a rule cannot
// mask its column, the two sides of a foreign key are not masked alike, a new column may hold what `lineage` has
// masked, or a column without a rule looks personal: by its name or type, and with a `sampler` also by its values; and
// what schema::SettleReferences() throws.
postgres::Catalog ReadMaskedCatalog(postgres::PgConnection& connection, const Context& context,
                                    const MaskLineage& lineage, const std::string& publication = "",
                                    PiiSampler* sampler = nullptr);

// The same in two steps, for a catalogue that is read in a transaction: a sampler reads in transactions of its own.
struct UnmaskedCatalog {
  postgres::Catalog catalog;
  std::optional<MaskFacts> facts;  // nullopt: there are no rules, and were none.
};
UnmaskedCatalog ReadUnmaskedCatalog(postgres::PgConnection& connection, const Context& context,
                                    const MaskLineage& lineage, const std::string& publication);
postgres::Catalog MaskCatalog(UnmaskedCatalog unmasked, const Context& context, const MaskLineage& lineage,
                              PiiSampler* sampler);

// Does what ReadMaskedCatalog() does, by the rules of `source`; pure. Returns the columns that PII detection has to
// examine: those of tables with rows here that no rule names, unless a "keep" names their table. They live as long as
// facts and catalogue do.
std::vector<PiiColumn> ApplyMaskRules(const SourceConfig& source, const MaskSecret& secret, const MaskFacts& facts,
                                      const MaskLineage& lineage, postgres::Catalog* catalog);

}  // namespace rotv::mask
