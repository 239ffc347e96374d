// Reads what masking has to know of tables and columns.

#pragma once

#include "sync/mask/mask_plan.h"

namespace rotv {

MaskFacts ReadMaskFacts(PgConnection& connection);

}  // namespace rotv
