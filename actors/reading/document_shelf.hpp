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

/// The documents of one node that somebody is reading or has read, and the memory they may take.
///
/// Several minds may at once want documents that are nearly as large as all the memory for
/// documents. Each document is given room before its bytes are fetched:
/// `limits::reading_memory_factor` times its size while it is being made, then what it takes.
/// Readers that find no room wait in order of arrival. Small documents have room of their own, so
/// they never wait behind large ones. Documents that nobody uses any more are kept, the last used
/// first, as long as others need no room and only up to a bound of their own.
///
/// A request that wants several documents at once asks for all of them together. So an earlier
/// request gets all of its documents first, and nobody holds one document while waiting for another
/// that is held for ever. Together the documents must fit.
class document_shelf {
public:
  struct sizes {
    std::uint64_t small = 0; ///< room for small documents, kept ones included
    std::uint64_t large = 0;
    std::uint64_t kept = 0; ///< for large ones that nobody uses
  };
  explicit document_shelf(sizes given);

  using who = std::uint64_t;

  /// `reader` uses the document from here on. Returns the document if it is there; otherwise
  /// `stands` or `missing` names `reader` later.
  std::shared_ptr<const document> take(const BlobRef& blob, who reader);
  /// `reader` no longer needs it, whether it came or not.
  void give_back(const std::string& hash, who reader, instant now);

  /// The documents that now have room and must be fetched.
  std::vector<BlobRef> admit();
  /// Its bytes are there. What else it may take is now better known.
  void arrived(const std::string& hash, std::uint64_t bytes);
  /// True while somebody waits for it.
  bool wanted(const std::string& hash) const;
  /// Who uses it or waits for it.
  std::vector<who> readers(const std::string& hash) const;
  /// Making it was broken off: it waits again if somebody wants it by now.
  void again(const std::string& hash);
  /// It can be read. Returns who waited for it.
  std::vector<who> stands(const std::string& hash, std::shared_ptr<const document> made,
                          instant now);
  /// It cannot be obtained. Returns who waited for it in vain.
  std::vector<who> missing(const std::string& hash);

  /// Drops documents that nobody has used since. Returns when to ask again, if anything is left to
  /// drop.
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
    std::uint64_t used = 0;  ///< by what is coming and what is here
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
