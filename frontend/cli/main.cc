#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "frontend/cli/cli.h"

namespace {

// libgomp's threads spin for milliseconds at a barrier before they sleep. Where other programs want
// the same CPUs, that time is taken from the very thread that is waited for, and a step of
// milliseconds takes a second. libgomp reads this setting while it is loaded, so the program starts
// once more with it, unless the user has chosen.
void SpinBriefly(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (setenv("GOMP_SPINCOUNT", "2000", /*overwrite=*/1) != 0) return;
  execv("/proc/self/exe", argv);  // Returns only where it failed, and then all goes on as before.
}

}  // namespace

int main(int argc, char** argv) {
  SpinBriefly(argv);
  std::signal(SIGXFSZ, SIG_IGN);  // a file over the limit fails to be written, and that is said
  return weft::RunCli(argc, argv);
}
