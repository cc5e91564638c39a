// By itself, for the service of a card, whose driver leaves no room for the rest of the sandbox.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "sandbox/sandbox.h"

namespace pg_ocr {

bool die_with_parent(pid_t parent) {
    // A parent that ended before the prctl sent nothing; so ask afterwards whether it is still there.
    return ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && ::getppid() == parent;
}

}  // namespace pg_ocr
