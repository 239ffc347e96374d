// Takes the files of a server's directory over into a new warm cluster, where this program can read them: nothing has
// to go through a pipe.

#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "cli/launch/clone_record.h"
#include "cli/launch/warm_manifest.h"
#include "storage/interrupt.h"

namespace rotv::launch {

struct ClusterTakeRequest {
  std::filesystem::path from;  // The server's directory, which may belong to a user whom we do not trust.
  std::filesystem::path to;    // HOME/warm/ID/cluster, which is there and empty.
};

// Copies what the entrypoint has put aside in FROM/rotv-kept, FROM/base and FROM/pg_tblspc (entrypoint/warm.sh), on as
// many threads as there are processors, follows no link and waits for no pipe. `bytes` counts meanwhile. Returns false
// if a file cannot be copied, is neither a file nor a directory, or was changed meanwhile: then what is in `to` is
// worth nothing. Throws kInterrupted.
// `record` gets those of the server's files that have the same bytes then, and no name of a cluster.
bool TakeCluster(const ClusterTakeRequest& request, std::vector<WarmFile>* files, CloneRecord* record,
                 std::atomic<uint64_t>* bytes, const Interrupt& interrupt);

}  // namespace rotv::launch
