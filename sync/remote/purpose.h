// What a remote's place is opened for.

#pragma once

namespace rotv::remote {

enum class Purpose { kRead, kPublish };

}  // namespace rotv::remote
