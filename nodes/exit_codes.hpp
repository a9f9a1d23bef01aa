#pragma once

#include "messages/errors.hpp"

/// The exit codes of `troupe`: what it returns to the shell, and a node to the process that
/// supervises it. Numbers from 64 to 78 are those of sysexits.h.
namespace troupe {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;           ///< the work failed
inline constexpr int exit_usage = 64;           ///< the command line, a graph or an input is wrong
inline constexpr int exit_damaged = 65;         ///< data on disk is damaged
inline constexpr int exit_unavailable = 69;     ///< no cluster, or a part of it is unavailable
inline constexpr int exit_part_failed = 70;     ///< a node: a part of it failed too often
inline constexpr int exit_cannot_write = 73;    ///< standard output, a file or the data folder
inline constexpr int exit_disk_failed = 74;     ///< a node: the state of its disk is unknown
inline constexpr int exit_run_lost = 75;        ///< the run, which is not durable, lost its owner
inline constexpr int exit_run_left = 75;        ///< a durable run goes on without the command
inline constexpr int exit_outcome_unknown = 76; ///< it may or may not have been done
inline constexpr int exit_config = 78;          ///< the configuration is wrong
inline constexpr int exit_timed_out = 124;
inline constexpr int exit_interrupted = 130;

/// For a failure that a node or a link reported.
int exit_code_of(ec code);

/// For a failure of local files: damaged ones, or ones that cannot be written.
int exit_code_of_files(ec code);

/// The table for `--help`.
inline constexpr const char* exit_codes_help =
    "Exit codes:\n"
    "  0   done\n"
    "  1   the work failed\n"
    "  64  wrong command line, graph or input\n"
    "  65  damaged data on disk\n"
    "  69  no cluster is running there, or a part of it cannot be reached\n"
    "  70  a node: a part of it failed too often\n"
    "  73  standard output, an output file or the data folder cannot be written\n"
    "  74  a node: its disk failed\n"
    "  75  a durable run goes on without this command: `troupe runs attach ID`;\n"
    "      one that is not durable was lost with its node: start it again\n"
    "  76  whether it was done is not known; look before you do it again\n"
    "  78  wrong configuration\n"
    "  124 time ran out\n"
    "  130 interrupted";

} // namespace troupe
