// Sends a warm cluster to an entrypoint that runs (entrypoint/requests.sh), also into a container.

#pragma once

#include <string>

#include "cli/launch/warm_clusters.h"
#include "storage/interrupt.h"

namespace rotv::launch {

struct SentCluster {
  std::string damage;     // What is wrong with its files; empty: nothing.
  int write_problem = 0;  // An errno; 0: all was written, unless they are damaged.
};

// Writes the cluster's files to a descriptor as a tar (POSIX.1-1988 "ustar"), and checks their bytes on the way. The
// file without which no server starts is the last one, so that a tar that was cut off is never taken for a cluster.
// Ends with the first problem. Throws kInterrupted.
SentCluster SendCluster(const WarmLease& lease, int to, const Interrupt& interrupt);

}  // namespace rotv::launch
