// A pipe whose ends close by themselves.

#pragma once

#include "storage/handle.h"

namespace rotv::os {

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

// No program that is started inherits the ends. Throws kCannotStart.
Pipe MakePipe();

}  // namespace rotv::os
