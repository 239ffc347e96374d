// The limit on open files (ulimit -n): who meets it has neither a bad disk nor a damaged store.

#pragma once

#include <cstddef>
#include <string>

#include "storage/error.h"

namespace rotv {

// Raises this process's soft limit as far as the hard one allows, up to what a shell usually has, which no child
// process is surprised by. Throws kCannotStart if too few files remain for a command that works on a store or on a
// source.
void RequireOpenFiles();

// The number of files that this process may have open.
size_t OpenFilesLimit();

// Gives a kCannotStart for an open() or the like that failed with EMFILE or ENFILE. `what` could not be done.
Error TooManyFiles(const std::string& what);

}  // namespace rotv
