#ifndef WEFT_FRONTEND_CLI_CLI_H_
#define WEFT_FRONTEND_CLI_CLI_H_

namespace weft {

// The command `weft`: runs the subcommand that the arguments name and returns the program's exit
// code: 0, 1 after an error (one line on stderr), 2 for arguments that make no sense, 130 after
// Ctrl-C, 143 after SIGTERM.
int RunCli(int argc, char** argv);

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_CLI_H_
