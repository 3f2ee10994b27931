// The server and the command line.
#include <nats/nats.h>
#include <nghttp2/nghttp2ver.h>
#include <wslay/wslay.h>

#include <string>

#include "client/program.h"
#include "client/version.h"
#include "server/serve.h"
#include "server/settings/settings.h"

int main(int argc, char** argv) {
  const std::string libraries = std::string("nats.c: ") + nats_GetVersion() +
                                "\nwslay: " WSLAY_VERSION "\nnghttp2: " NGHTTP2_VERSION "\n";
  return bide::run_program(
      argc, argv,
      {{{bide::serve_command, bide::run_serve}}, bide::release(), bide::version_text(libraries)});
}
