// The names of the slots and publications that we make on sources.

#pragma once

#include <string>

#include "proto/store.pb.h"

namespace rotv::postgres {

// "host", "user": of this machine and whoever runs this, as names of ours have them.
std::string LocalHostName();
std::string LocalUserName();

// What names of ours begin with, of this machine and user.
std::string LocalOwnedPrefix();

// Names for a slot and a publication of ours that nobody else has: host, user and source in them.
proto::OwnedObjects NewObjectNames(const std::string& source_name);

}  // namespace rotv::postgres
