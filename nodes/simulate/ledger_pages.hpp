#pragma once

#include "nodes/http/http_routes.hpp"
#include "nodes/simulate/call_ledger.hpp"

namespace troupe {

/// Adds `GET /ledger`, `GET /ledger/sum` and `DELETE /ledger`. Without a ledger they are there, and
/// say how to get one. It must outlive the server.
void add_ledger_pages(http_routes& routes, call_ledger* kept);

} // namespace troupe
