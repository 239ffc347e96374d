// Reads what masking has to know about tables and columns.

#pragma once

#include "sync/mask/mask_facts.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::mask {

MaskFacts ReadMaskFacts(postgres::PgConnection& connection);

}  // namespace rotv::mask
