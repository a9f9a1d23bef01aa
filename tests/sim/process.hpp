#pragma once

#include "actors/agents/role.hpp"
#include "actors/llm/http_port.hpp"
#include "nodes/wiring.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/ground.hpp"
#include "tests/sim/links.hpp"
#include "tests/sim/place.hpp"
#include "tests/sim/tree.hpp"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe::sim {

class process;

/// What a life of a node is made of.
struct process_setup {
  NodeInfo self; ///< with its incarnation
  std::vector<NodeInfo> others;
  node_config cfg;
  role_table roles;
  machine at = 0;
  std::map<node_id, machine> members;                           ///< the others
  std::function<std::unique_ptr<http_port>(process&)> provider; ///< may be empty
  /// The process must end, for whatever reason; the owner destroys it, later.
  std::function<void(bool silent)> ends;
};

/// One life of a simulated node, from its start to its end: the second host of a node's logics,
/// beside the one on CAF (actors/host). The composition is that of a real node (nodes/wiring.hpp),
/// ways are those of actors/cluster/routing.hpp, restarts those of supervisor_logic. What a shell,
/// the post and a mailbox do is done here once more, on simulated time:
///
///  - Each logic has an inbox, bounded as in a node (config/limits/mailboxes.hpp), and takes its
///    turns: one message each, after a time that is drawn. Messages to one receiver keep their
///    order, also while an agent is being started (`directory`).
///  - A step that throws ends the logic: its request is answered, it may answer the others
///    (`stop`), what waits is refused, and its supervisor, or the logic that started it, hears.
///
/// Nothing here is thread-safe: a world is one thread.
class process {
public:
  process(ground& on, disk& storage, process_setup setup);
  ~process();

  void start();
  /// An orderly end: all services are stopped, then `ends` is called.
  void stop();

  /// Delivers it, as actors/host/post.hpp does.
  void post(envelope message);

  node_id id() const noexcept { return id_; }
  const metrics& counted() const noexcept { return counted_; }
  const member_view& view() const noexcept { return *view_; }
  std::size_t agents() const noexcept;
  /// How many messages wait for that service.
  std::size_t waiting_for(service s) const;

  // -- for its tree (process_ends.cpp) --------------------------------------------------------

  instant now() const noexcept { return on_.when.now(); }
  std::shared_ptr<place> start_service(const child_spec& wanted, tree& by, std::size_t index);
  void ask_to_stop(const std::shared_ptr<place>& whom);
  void tree_has_ended(bool by_a_fault);
  void tell(const std::string& what) const;
  void defect(const std::string& what);

  /// Not called if the process has ended by then; late if its machine pauses.
  template <class What>
  void later(std::chrono::nanoseconds after, What what) {
    std::weak_ptr<int> life = alive_;
    on_.when.later(after, [this, life, what] {
      if (life.expired())
        return;
      on_.net.when_running(setup_.at, [this, life, what] {
        if (!life.expired() && !dead_)
          what();
      });
    });
  }

private:
  using shell = std::shared_ptr<place>;
  enum class admission { in, full, closed };

  /// As in actors/host/agent_directory.hpp: while messages for an agent go round by service::roles,
  /// those that come straight are held.
  struct directory_entry {
    shell active;
    std::size_t around = 0;
    std::deque<place::message> held;
    bool empty() const { return !active && around == 0; }
    bool open() const { return active && around == 0 && held.empty(); }
  };

  void make_parts();

  // -- ways (process.cpp) ---------------------------------------------------------------------
  void deliver(envelope message);
  void to_agent(envelope message);
  void send_around(envelope message);
  void send_out(envelope message);
  admission offer(const shell& whom, envelope& message);
  bool fits(const place& whom, const envelope& message) const;
  void refuse(const envelope& message, const failure& why);
  void turn_away(const envelope& message);
  void came_around(const name& agent);
  void remove(const place& gone);

  // -- turns (process_steps.cpp) --------------------------------------------------------------
  void wake(const shell& whom);
  void turn(const shell& whom);
  void begin(const shell& whom);
  void work_on(const shell& whom, place::message message);
  bool is_too_late(const place& whom, const place::message& message);
  void tell_of_end(const shell& whom, const std::string& agent);
  template <class Call>
  std::string guarded(place& whom, outputs& out, bool may_fail, Call&& call);
  void step(const shell& whom, event input, const envelope* asked);
  void after_step(const shell& whom, outputs& out, std::string fault);
  void settle_if_quiet(const shell& whom);
  void carry_out(const shell& whom, outputs& out);
  void start_child(const shell& whom, outputs::child wanted, outputs& out);
  void stop_child(place& whom, const name& agent);
  void schedule(const shell& whom);
  void on_tick(const shell& whom);
  void note_step(const place& whom, const event& input);
  void check(const place& whom);

  // -- ends (process_ends.cpp) ----------------------------------------------------------------
  void fail(const shell& whom, const std::string& fault);
  void end_logic(const shell& whom);
  void leave_if_idle(const shell& whom);
  void is_over(const shell& whom, bool failed, const std::string& why);
  void refuse_as_ended(const place& whom, const envelope& message);
  void end_process(bool silent);

  ground& on_;
  disk& disk_;
  process_setup setup_;
  const node_id id_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  bool dead_ = false; ///< it has ended within a step, and is about to be destroyed
  bool doors_open_ = false;
  metrics counted_;
  std::unique_ptr<trace_source> traces_;
  std::unique_ptr<http_port> http_;
  std::unique_ptr<node_parts> parts_;
  std::shared_ptr<const member_view> view_ = std::make_shared<member_view>();
  std::array<shell, service_count> services_;
  std::unordered_map<name, directory_entry> directory_;
  std::unique_ptr<links> links_;
  std::unique_ptr<tree> tree_;
};

} // namespace troupe::sim
