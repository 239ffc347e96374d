// The rules of the firewall by which Podman, as root, leads a port of this machine to a container.

#pragma once

#include <string>

#include "storage/interrupt.h"

namespace rotv::launch {

// Removes the rules by which 127.0.0.1:`port` is led to containers that do not exist any more: Podman leaves them where
// it is killed in the middle (netavark with iptables), and they come before those of a new container, which nobody
// reaches then. Nothing happens where there are none, or where they cannot be read.
void RemoveStalePortRules(const std::string& podman, int port, const Interrupt& interrupt);

}  // namespace rotv::launch
