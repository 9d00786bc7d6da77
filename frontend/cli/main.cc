#include <csignal>

#include "frontend/cli/cli.h"

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file over the limit fails to be written, and that is said
  return weft::RunCli(argc, argv);
}
