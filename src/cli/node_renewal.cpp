#include <algorithm>

#include <verge/cli/node_renewal.hpp>
#include <verge/platform/fleet/authority_service.hpp>
#include <verge/platform/net/grpc/grpc_channel.hpp>

namespace verge::cli {
namespace {

constexpr double kAnswerS = 10;
constexpr double kOwnBookS = 1;  // the authority's own node looks into its book so often

Result<fleet::AuthorityNews> ask_own(const NodeHome& home, const net::Credentials& own,
                                     bool renews) {
  VERGE_TRY(const net::Authority authority, home.authority());
  VERGE_TRY(net::TokenBook tokens, home.tokens());
  fleet::AuthorityNews news;
  if (renews) {
    VERGE_TRY(news.certificate, fleet::sign_again(own.facts(), own.renewal_request(), authority,
                                                  tokens, unix_time_s()));
  }
  VERGE_TRY(news.revocations, fleet::signed_revocations(authority, tokens, unix_time_s()));
  return news;
}

Result<fleet::AuthorityNews> ask_at(const std::string& address, const net::Credentials& own,
                                    bool renews, const std::stop_token& stop) {
  VERGE_TRY(const auto channel, net::dial(address, own, unix_time_s(),
                                          {.service = std::string(fleet::kAuthorityService),
                                           .timeout_s = kAnswerS,
                                           .stop = stop}));
  const std::stop_callback ends(stop, [&its = *channel] { its.close(); });
  return fleet::ask_authority(*channel, renews ? own.renewal_request() : "", kAnswerS);
}

}  // namespace

bool is_renewal_due(const net::CertificateFacts& facts, int64_t now_unix_s) {
  const int64_t life_s = facts.until_unix_s - facts.from_unix_s - net::kClockSkew_s;
  return facts.until_unix_s - now_unix_s <= life_s / 3;
}

Status ask_for_news(const NodeHome& home, net::Credentials& own, const std::string& address,
                    bool renews, const std::stop_token& stop) {
  VERGE_TRY(fleet::AuthorityNews news,
            home.has_authority() ? ask_own(home, own, renews) : ask_at(address, own, renews, stop));
  const Status kept = own.take_revocations(home.identity(), news.revocations);
  if (renews) VERGE_RETURN_IF_ERROR(own.renew(home.identity(), std::move(news.certificate)));
  return kept;
}

NodeKeeper::NodeKeeper(const NodeHome& home, net::Credentials own, double interval_s,
                       OnRevoked on_revoked)
    : home_(home),
      interval_s_(home.has_authority() ? std::min(kOwnBookS, interval_s) : interval_s),
      on_revoked_(std::move(on_revoked)),
      own_(std::move(own)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

NodeKeeper::~NodeKeeper() {
  thread_.request_stop();
  changed_.notify_all();
}

void NodeKeeper::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested() && !has_renewed_) {
    // An authority that does not answer is asked again.
    (void)ask(stop);
    changed_.wait_for(lock, stop, std::chrono::duration<double>(interval_s_), [] { return false; });
  }
}

// The list first: it counts also where no other certificate is to be had.
Status NodeKeeper::ask(const std::stop_token& stop) {
  VERGE_TRY(const fleet::NodeBook book, home_.book());
  VERGE_TRY(const std::string address, book.authority());
  if (address.empty() && !home_.has_authority()) return {};
  const Status heard = hear(address, false, stop);
  if (!is_renewal_due(own_.facts(), unix_time_s())) return heard;
  VERGE_RETURN_IF_ERROR(hear(address, true, stop));
  has_renewed_ = true;
  return {};
}

Status NodeKeeper::hear(const std::string& address, bool renews, const std::stop_token& stop) {
  const int64_t known = own_.revoked().number();
  const Status heard = ask_for_news(home_, own_, address, renews, stop);
  if (own_.revoked().number() > known) on_revoked_(own_.revoked());
  return heard;
}

}  // namespace verge::cli
