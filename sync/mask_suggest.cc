#include "sync/mask_suggest.h"

#include "storage/workspace.h"
#include "sync/context/open_workspace.h"
#include "sync/mask/read_mask_facts.h"
#include "sync/mask/secret.h"
#include "sync/postgres/source_session.h"

namespace rotv {

std::vector<PiiRule> SuggestMasks(const Context& context) {
  Workspace workspace = OpenWorkspace(context, "mask suggest");
  SourceSession session(context, workspace.RunDirectory());
  context.progress.Begin("looking at samples", Progress::Unit::kItems, 0);
  SourceConfig source = context.source;
  source.mask.declared = true;
  source.mask.unknown = MaskUnknown::kRefuse;
  Catalog catalog = ReadCatalog(session.connection());
  const MaskFacts facts = ReadMaskFacts(session.connection());
  const std::vector<PiiColumn> unknown = ApplyMaskRules(source, MaskSecretOf(context), facts, MaskLineage(), &catalog);
  PiiSampler sampler(session.connection(), context.interrupt);
  std::vector<PiiRule> rules = RulesFor(DetectPii(unknown, facts, &sampler), facts);
  context.progress.End();
  return rules;
}

}  // namespace rotv
