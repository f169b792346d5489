#pragma once
// EdgeSessions: conversations of a device that nobody is answering just now. A request whose prompt
// goes on from one of them runs only what is new, here and at the server.

#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <verge/stages/serve/collab/edge_driver.hpp>
#include <verge/stages/serve/collab/edge_links.hpp>

namespace verge::serve {

struct EdgeSession {
  EdgeLink link = {};
  std::unique_ptr<EdgeDriver> driver = {};  // uses the link
  std::vector<int32_t> tokens = {};         // appended or made; the newest of these is not run yet
  std::string salt = {};                    // Request::cache_salt

  int64_t length() const { return driver ? driver->length() : 0; }
};

/// The engine's thread.
class EdgeSessions {
 public:
  /// Keeps at most so many.
  EdgeSessions(EdgeLinks& links, const runtime::Decoder& decoder, size_t most)
      : links_(links), decoder_(decoder), most_(most) {}

  /// That of the salt which the prompt goes on from, the longest; null for none.
  std::unique_ptr<EdgeSession> take(std::span<const int32_t> prompt, const std::string& salt);
  /// One that can go on; the one longest unused goes where there are too many.
  void put(std::unique_ptr<EdgeSession> session);
  void drop(std::unique_ptr<EdgeSession> session);
  /// Those longest unused go until so many pages are free; false where that is not enough.
  bool make_room(int64_t pages);

  int64_t pages_of(int64_t tokens) const;
  /// Of all that are here.
  int64_t pages() const;
  size_t size() const { return idle_.size(); }

 private:
  void drop_oldest();

  EdgeLinks& links_;
  const runtime::Decoder& decoder_;
  const size_t most_;
  std::list<std::unique_ptr<EdgeSession>> idle_;  // used last first
};

}  // namespace verge::serve
