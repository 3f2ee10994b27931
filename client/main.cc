// The command line alone, for machines that only report and wait.
#include "client/program.h"
#include "client/version.h"

int main(int argc, char** argv) {
  return bide::run_program(argc, argv, {{}, bide::release(), bide::version_text()});
}
