// Which columns of the source are masked how: the rules of the config, and those that the store was masked by before,
// against the catalogue.

#pragma once

#include <map>
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

// As ReadCatalog(), with what the rules of context.source say of each table and column, and with values that the
// catalogue itself holds masked. One round trip more where there are rules, or were. A mask of `lineage` stays in force
// until a rule of its own replaces it, or a "keep" that names its column ends it. Throws kUsage, naming all that is
// wrong, if a rule names nothing, two rules say different things of one column, a column cannot be masked so, the two
// sides of a foreign key are not masked alike, a column that is new may hold what `lineage` has masked, or a column
// without a rule looks personal: by its name or type, and also by its values where there is a `sampler`.
postgres::Catalog ReadMaskedCatalog(postgres::PgConnection& connection, const Context& context,
                                    const MaskLineage& lineage, const std::string& publication = "",
                                    PiiSampler* sampler = nullptr);

// Pure: as ReadMaskedCatalog(), by the rules of `source`. Gives the columns that PII detection has to look at: of
// tables with rows here, those that no rule speaks of, unless "keep" names their table. They live as long as facts and
// catalogue do.
std::vector<PiiColumn> ApplyMaskRules(const SourceConfig& source, const MaskSecret& secret, const MaskFacts& facts,
                                      const MaskLineage& lineage, postgres::Catalog* catalog);

}  // namespace rotv::mask
