// Deliveries by the rules of Standard Webhooks: https://www.standardwebhooks.com
#include "http/digest.h"
#include "http/encoding.h"
#include "http/store.h"

namespace pg_ocr::http {
namespace {

constexpr std::string_view secret_prefix = "whsec_";

class Webhook : public Store {
  public:
    explicit Webhook(const Declared& declared) : url_(declared.required("url")), parsed_(parse_url(url_, "url")) {
        std::string secret = declared.text("secret");
        if (secret.empty()) return;
        if (secret.starts_with(secret_prefix)) secret.erase(0, secret_prefix.size());
        std::optional<std::string> key = from_base64(secret);
        if (!key || key->empty())
            throw StoreError(ErrorCode::store_refused,
                             "the user mapping's secret is not whsec_ and base64; set the one that the receiver gave");
        key_ = std::move(*key);
    }

    Call call(const HttpRequest& request, const Content&, std::time_t now) const override {
        Call call;
        call.method = "POST";
        call.posts = true;
        call.url = parsed_.origin() + parsed_.path + (parsed_.query.empty() ? "" : "?" + parsed_.query);
        const std::string moment = std::to_string(now);
        call.headers = {header("content-type", "application/json"), header("webhook-id", request.name),
                        header("webhook-timestamp", moment)};
        if (!key_.empty())
            call.headers.push_back(
                header("webhook-signature",
                       "v1," + base64(hmac_sha256(key_, request.name + "." + moment + "." + request.body))));
        return call;
    }

    Failure failure_of(const HttpRequest& request, const Answer& answer) const override {
        const std::string about = subject(request);
        if (answer.status >= 300 && answer.status < 400)
            return {ErrorCode::store_refused, about + ": the receiver answered " + describe_status(answer.status) +
                                                  ", and deliveries follow no redirect; set the url to where it leads"};
        Failure failure = failure_of_status(about, answer.status);
        // Nothing here is a document.
        if (failure.code == ErrorCode::document_missing) failure.code = ErrorCode::store_refused;
        return failure;
    }

    /// Without the path: many receivers' paths are secrets.
    std::string subject(const HttpRequest&) const override { return "webhook at " + parsed_.origin(); }

  private:
    std::string url_;
    Endpoint parsed_;
    std::string key_;
};

}  // namespace

std::unique_ptr<Store> webhook(const Declared& declared) { return std::make_unique<Webhook>(declared); }

}  // namespace pg_ocr::http
