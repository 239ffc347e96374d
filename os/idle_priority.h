// Gives way to everything else on this machine.

#pragma once

namespace rotv::os {

// From now on this thread, and the programs and threads that it starts, get the processors and the disks only when no
// other program wants them. What the system refuses is left as it is: it only matters to others' speed. Cannot be taken
// back.
void BecomeIdle();

}  // namespace rotv::os
