#include "nodes/cli/command_line.hpp"
#include "nodes/cli/streams.hpp"

int main(int argc, char** argv) {
  troupe::cli::open_standard_descriptors(); // before any other file is opened
  troupe::cli::survive_file_size_limits();
  return troupe::cli::run_command_line(argc, argv);
}
