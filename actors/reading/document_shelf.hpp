#pragma once

#include "actors/reading/document.hpp"
#include "messages/envelope.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

/// The documents of one node that somebody reads or has read, and the memory that they may take.
///
/// Several minds at once want documents that are nearly as large as all the memory there is for
/// them. Each is given room before its bytes are fetched: while it is made,
/// `limits::reading_memory_factor` times its size, then what it takes. Who finds no room waits in
/// the order of coming. Small documents have room of their own, so that they never wait behind
/// large ones. What nobody uses any more is kept, the last used first, as long as no room is needed
/// for others and not beyond a bound of its own.
///
/// A request that wants several documents at once asks for all of them in one go. Whoever asked
/// before then has all of its documents before, and nobody holds one while waiting for another that
/// is held for ever; together they must fit.
class document_shelf {
public:
  struct sizes {
    std::uint64_t small = 0; ///< room for small documents, kept ones included
    std::uint64_t large = 0;
    std::uint64_t kept = 0; ///< of large ones that nobody uses
  };
  explicit document_shelf(sizes given);

  using who = std::uint64_t;

  /// `reader` uses the document from here on. The document if it is there; else `reader` is among
  /// those that `stands` or `missing` names later.
  std::shared_ptr<const document> take(const BlobRef& blob, who reader);
  /// `reader` needs it no more, whether it came or not.
  void give_back(const std::string& hash, who reader, instant now);

  /// The documents that have room now and are to be fetched.
  std::vector<BlobRef> admit();
  /// Its bytes are there. What it may take besides is known better now.
  void arrived(const std::string& hash, std::uint64_t bytes);
  /// True while somebody waits for it.
  bool wanted(const std::string& hash) const;
  /// Its making was broken off: it waits once more if somebody wants it by now.
  void again(const std::string& hash);
  /// It can be read: who waited for it.
  std::vector<who> stands(const std::string& hash, std::shared_ptr<const document> made,
                          instant now);
  /// It cannot be had: who waited for it in vain.
  std::vector<who> missing(const std::string& hash);

  /// Drops what nobody used since; when to ask again, if anything is left to drop.
  std::optional<instant> drop_unused(instant since);

  std::uint64_t memory() const { return rooms_[0].used + rooms_[1].used; }
  std::size_t size() const { return places_.size(); }

private:
  enum class phase : std::uint8_t {
    waiting, ///< for room
    coming,  ///< it has room and is being fetched and made
    here,
  };
  /// Documents of one class of sizes.
  struct room {
    std::uint64_t bytes = 0; ///< there are
    std::uint64_t kept = 0;  ///< of what nobody uses
    std::uint64_t used = 0;  ///< by what comes and what is here
    std::uint64_t unused_bytes = 0;
    std::deque<std::string> waiting;
    std::list<std::string> unused; ///< here without users, the last used first
  };
  struct shelved {
    BlobRef blob;
    phase at = phase::waiting;
    room* in = nullptr;
    std::uint64_t bytes = 0; ///< of its room
    std::shared_ptr<const document> made;
    std::vector<who> users; ///< or who waits for it
    std::list<std::string>::iterator unused;
    instant used;
  };
  using shelved_documents = std::unordered_map<std::string, shelved>;

  bool make_room(const shelved& wanted);
  void put_aside(shelved_documents::iterator left, instant now);
  void drop_last(room& of);

  std::array<room, 2> rooms_; ///< small, large
  shelved_documents places_;  ///< by hash
};

} // namespace troupe
