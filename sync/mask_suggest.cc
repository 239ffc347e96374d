#include "sync/mask_suggest.h"

#include "os/temporary_directory.h"
#include "sync/mask/mask_lineage.h"
#include "sync/mask/mask_plan.h"
#include "sync/mask/read_mask_facts.h"
#include "sync/mask/secret.h"
#include "sync/postgres/source_session.h"
#include "sync/postgres/standby.h"

namespace rotv {

std::vector<mask::PiiRule> SuggestMasks(const Context& context) {
  const os::TemporaryDirectory sockets;  // Nothing stored is read, so that no run is waited for.
  postgres::SourceSession session(context, sockets.path());
  postgres::RequirePrimary(session);
  context.progress.Begin("reading samples", Progress::Unit::kItems, 0);
  SourceConfig source = context.source;
  source.mask.declared = true;
  source.mask.unknown = MaskUnknown::kRefuse;
  postgres::Catalog catalog = postgres::ReadCatalog(session.connection());
  const mask::MaskFacts facts = mask::ReadMaskFacts(session.connection());
  const std::vector<mask::PiiColumn> unknown =
      mask::ApplyMaskRules(source, mask::MaskSecretOf(context), facts, mask::MaskLineage(), &catalog);
  mask::PiiSampler sampler(session.connection(), context.interrupt);
  std::vector<mask::PiiRule> rules = mask::RulesFor(mask::DetectPii(unknown, facts, &sampler), facts);
  context.progress.End();
  return rules;
}

}  // namespace rotv
