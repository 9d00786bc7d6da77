#include "frontend/cli/cli.h"

int main(int argc, char** argv) { return weft::RunCli(argc, argv); }
