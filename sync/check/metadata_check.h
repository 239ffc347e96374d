// Checks that what a store says about itself fits together: manifest, schemas, shapes, sequences, change log.

#pragma once

#include <set>
#include <string>
#include <vector>

#include "storage/interrupt.h"
#include "storage/row_store.h"

namespace rotv::check {

// Gives what is wrong, one sentence each: "the snapshot x is at 0/1, for which there is no schema". Parts of which a
// file is damaged (`unreadable`) are left out: they have a finding already.
std::vector<std::string> FindContradictions(const RowStore& store, const std::set<DataFile::Content>& unreadable,
                                            const Interrupt& interrupt);

// The same for a manifest alone.
std::vector<std::string> ManifestProblems(const proto::Manifest& manifest);

// The same for the schema from `lsn` on, whose tables must fit the shapes of rows. Throws kCorrupt if there is no such
// shape.
std::vector<std::string> SchemaProblems(const proto::SchemaVersion& schema, Lsn lsn, const ShapeMap& shapes);

// A state that has a name.
struct NamedState {
  std::string name;
  Lsn lsn;
};
// Gives the states that have names: head, baseline, and the snapshots.
std::vector<NamedState> NamedStates(const proto::Manifest& manifest);

}  // namespace rotv::check
