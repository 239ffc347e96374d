// The names of the slots and publications that we create on sources.

#pragma once

#include <string>

#include "proto/store.pb.h"

namespace rotv::postgres {

// The host and the user in the form that our names have.
std::string LocalHostName();
std::string LocalUserName();

// The prefix of all names that this machine and user give.
std::string LocalOwnedPrefix();

// New, unique names for a slot and a publication: host, user and source are part of them.
proto::OwnedObjects NewObjectNames(const std::string& source_name);

}  // namespace rotv::postgres
