#include "telemetry/process_figures.hpp"
#include "tests/unit/storage/blobs_fixture.hpp"

using namespace troupe;

TEST_F(blobs, all_who_wait_for_a_large_blob_share_its_bytes_a_bounded_number_in_a_step) {
  constexpr std::size_t many = 100;
  std::string large(limits::document_bytes_max, 'x');
  for (std::size_t i = 0; i < many; ++i)
    a.ask(get(ref(large, node_b)));
  auto question = only_question(a);
  auto before = read_process_figures().resident_bytes.value_or(0);
  a.step(data(question, large));
  std::vector<envelope> replies;
  std::size_t steps = 0;
  for (auto sends = a.take(); !sends.empty(); flush(a), sends = a.take(), ++steps) {
    EXPECT_LE(sends.size(), limits::blob_deliver_bytes_aim / limits::document_bytes_max);
    for (auto& reply : sends)
      replies.push_back(std::move(reply));
  }
  EXPECT_EQ(replies.size(), many);
  EXPECT_GE(steps, many / 2);
  EXPECT_LT(read_process_figures().resident_bytes.value_or(0), before + 10 * large.size())
      << "one buffer, many references";
  EXPECT_EQ(bytes_of(std::move(replies.back())), large);
}

TEST_F(blobs, what_a_reference_says_of_the_size_is_checked) {
  store(a, "hello");
  store(b, "other");
  a.take();
  b.take();
  for (std::uint64_t size :
       {std::uint64_t{0}, std::uint64_t{4}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    auto wrong = ref("hello", node_a);
    wrong.set_size_bytes(size);
    EXPECT_EQ(code_of(a.reply_to_client(a.ask(get(wrong)))), ec::invalid_argument) << size;
    EXPECT_EQ(code_of(a.reply_to_client(a.ask(keep({wrong})))), ec::invalid_argument) << size;
  }
  // A holder sends nothing to a node that asks for less than it would get.
  auto lies = ref("other", node_b);
  lies.set_size_bytes(0);
  auto asked = a.ask(get(lies));
  b.step(only_question(a));
  a.step(only_reply(b));
  EXPECT_EQ(code_of(a.reply_to_client(asked)), ec::invalid_argument);
  // If sums wrapped, any number of these would be accepted.
  auto huge = ref("huge", node_b);
  huge.set_size_bytes(~std::uint64_t{0});
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(code_of(a.reply_to_client(a.ask(get(huge)))), ec::invalid_argument);
  EXPECT_TRUE(a.take().empty());
}

TEST_F(blobs, what_comes_within_a_moment_is_written_with_one_sync) {
  BlobPuts many;
  for (int i = 0; i < 100; ++i)
    *many.add_blobs() = put("of many " + std::to_string(i), std::to_string(i));
  auto first = a.ask(put("one"));
  auto second = a.ask(many);
  auto third = a.ask(put("two"));
  EXPECT_TRUE(a.take().empty()) << "nothing is acknowledged before it is on disk";
  EXPECT_EQ(faults.writes, 0u);
  flush(a);
  EXPECT_EQ(faults.writes, 1u);
  EXPECT_EQ(code_of(a.reply_to_client(first)), ec::none);
  EXPECT_EQ(code_of(a.reply_to_client(third)), ec::none);
  auto stored = kept_in(a.reply_to_client(second));
  ASSERT_EQ(stored.size(), 100u);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(stored[static_cast<std::size_t>(i)].name(), std::to_string(i));
    EXPECT_EQ(stored[static_cast<std::size_t>(i)].sha256(), sha256("of many " + std::to_string(i)));
  }
  EXPECT_EQ(counted.plain().blobs.load(), 102u);
}

TEST_F(blobs, one_that_cannot_be_stored_does_not_keep_the_others_out) {
  faults.refused = "bad";
  auto good = a.ask(put("good")), bad = a.ask(put("bad")), fine = a.ask(put("fine"));
  flush(a);
  EXPECT_EQ(code_of(a.reply_to_client(good)), ec::none);
  EXPECT_EQ(code_of(a.reply_to_client(bad)), ec::storage_failed);
  EXPECT_EQ(code_of(a.reply_to_client(fine)), ec::none);
  EXPECT_EQ(disk_failures, 0u);
}

TEST_F(blobs, after_a_failed_sync_nothing_is_tried_again_and_the_node_is_told) {
  faults.broken = true;
  auto one = a.ask(put("one")), two = a.ask(put("two"));
  flush(a);
  EXPECT_EQ(disk_failures, 1u);
  EXPECT_EQ(faults.writes, 1u);
  EXPECT_EQ(code_of(a.reply_to_client(one)), ec::outcome_unknown);
  EXPECT_EQ(code_of(a.reply_to_client(two)), ec::outcome_unknown);
}

TEST_F(blobs, what_is_to_be_kept_is_on_this_disk_before_that_is_acknowledged) {
  store(b, "far");
  store(a, "near");
  a.take();
  b.take();
  auto asked = a.ask(keep({ref("near", node_b), ref("far", node_b), ref("far", node_b)}));
  b.step(only_question(a));
  a.step(only_reply(b));
  EXPECT_FALSE(a.reply_to_client(asked)) << "it is not written yet";
  flush(a);
  auto kept = kept_in(a.reply_to_client(asked));
  ASSERT_EQ(kept.size(), 3u);
  for (const auto& blob : kept)
    EXPECT_EQ(blob.holder(), to_bytes(node_a));
  EXPECT_EQ(kept[0].sha256(), sha256("near"));
  EXPECT_TRUE(has(a, "far"));
}

TEST_F(blobs, if_one_cannot_be_had_none_is_kept_and_the_failure_names_it) {
  store(b, "there");
  b.take();
  auto missing = ref("gone", node_b);
  missing.set_name("gone.txt");
  auto asked = a.ask(keep({ref("there", node_b), missing}));
  for (auto& question : a.take()) {
    b.step(std::move(question));
    for (auto& reply : b.take())
      a.step(std::move(reply));
  }
  flush(a);
  auto reply = a.reply_to_client(asked);
  ASSERT_TRUE(reply);
  auto why = failure_in(*reply);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, ec::not_found);
  EXPECT_NE(why->message.find("gone.txt"), std::string::npos) << why->message;
  EXPECT_EQ(code_of(a.reply_to_client(a.ask(keep({ref("nowhere", node_a)})))), ec::not_found);
}

TEST_F(blobs, a_disk_that_is_full_keeps_nothing_for_an_agent) {
  auto asked = a.ask(keep({ref("far", node_b)}));
  full = true;
  a.step(data(only_question(a), "far"));
  flush(a);
  EXPECT_EQ(code_of(a.reply_to_client(asked)), ec::storage_failed);
}

TEST_F(blobs, ten_thousand_are_brought_home_a_few_at_a_time) {
  std::vector<BlobRef> many;
  std::map<std::string, std::string> bytes;
  for (int i = 0; i < 10'000; ++i) {
    auto document = "document " + std::to_string(i);
    many.push_back(ref(document, node_b));
    bytes[many.back().sha256()] = document;
  }
  auto asked = a.ask(keep(many));
  std::size_t fetched = 0;
  bool answered = false;
  for (auto sends = a.take(); !sends.empty(); flush(a), sends = a.take()) {
    EXPECT_LE(sends.size(), limits::blob_keep_fetches_max);
    for (auto& message : sends) {
      if (message.kind == message_kind::reply) {
        EXPECT_EQ(message.id.sequence, asked);
        EXPECT_EQ(kept_in(std::move(message)).size(), 10'000u);
        answered = true;
        continue;
      }
      a.step(data(message, bytes.at(message.body.as<BlobGet>()->blob().sha256())));
      ++fetched;
    }
  }
  EXPECT_TRUE(answered);
  EXPECT_EQ(fetched, 10'000u) << "each once";
  EXPECT_LT(faults.writes, 400u) << "many with one sync";
}

TEST_F(blobs, without_space_no_new_document_is_taken_and_accepted_work_goes_on) {
  store(a, "here");
  a.take();
  faults.free = limits::storage_free_bytes_min - 1;
  for (bool many : {false, true}) {
    BlobPuts puts;
    *puts.add_blobs() = put("new");
    auto reply = a.reply_to_client(many ? a.ask(puts) : a.ask(put("new")));
    ASSERT_TRUE(reply);
    auto why = failure_in(*reply);
    ASSERT_TRUE(why);
    EXPECT_EQ(why->code, ec::storage_failed);
    EXPECT_NE(why->message.find("no new document is taken"), std::string::npos) << why->message;
    EXPECT_NE(why->message.find("has 255 MiB free"), std::string::npos) << why->message;
  }
  EXPECT_EQ(code_of(a.reply_to_client(a.ask(keep({ref("far", node_b)})))), ec::storage_failed);
  EXPECT_EQ(kept_in(a.reply_to_client(a.ask(keep({ref("here", node_b)})))).size(), 1u)
      << "that one is not new";
  auto of_task = make_envelope(message_kind::request, a.self(), put("a result"));
  of_task.id = {session_id{77}, 900};
  of_task.sender = address::of_agent(name{"reader#1"}, node_a);
  a.take();
  a.step(std::move(of_task));
  flush(a);
  EXPECT_EQ(code_of(only_reply(a)), ec::none) << "of a run that was accepted";
  EXPECT_TRUE(has(a, "a result"));
  faults.free = limits::storage_free_bytes_min;
  EXPECT_EQ(code_of(a.reply_to_client(store(a, "new"))), ec::none);
  EXPECT_EQ(disk_failures, 0u);
}
