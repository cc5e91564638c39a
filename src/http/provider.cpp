// Providers: servers that are sent a page's image and answer with the words on it.
#include "http/encoding.h"
#include "http/store.h"

namespace pg_ocr::http {
namespace {

class Provider : public Store {
  public:
    explicit Provider(const Declared& declared) : url_(parse_url(declared.required("url"), "url")) {
        const std::string token = declared.text("bearer_token");
        if (!token.empty()) secret_header_ = header("authorization", "Bearer " + token);
        const std::string name = declared.text("header_name");
        if (!name.empty()) secret_header_ = header(name, declared.required("header_value"));
    }

    Call call(const HttpRequest& request, const Content&, std::time_t) const override {
        Call call;
        call.method = "POST";
        call.uploads = true;
        call.url = url_.origin() + url_.path + (url_.query.empty() ? "" : "?" + url_.query);
        call.headers = {header("content-type", request.content_type), header("x-ocr-languages", request.name)};
        if (!secret_header_.empty()) call.headers.push_back(secret_header_);
        return call;
    }

    Failure failure_of(const HttpRequest& request, const Answer& answer) const override {
        const std::string about = subject(request);
        if (answer.status >= 300 && answer.status < 400)
            return {ErrorCode::store_refused, about + ": it answered " + describe_status(answer.status) +
                                                  ", and pages follow no redirect; set the url to where it leads"};
        return failure_of_status(about, answer.status);
    }

    /// Without the path, which may be a secret.
    std::string subject(const HttpRequest&) const override { return "the provider at " + url_.origin(); }

  private:
    Endpoint url_;
    std::string secret_header_;
};

}  // namespace

std::unique_ptr<Store> provider(const Declared& declared) { return std::make_unique<Provider>(declared); }

}  // namespace pg_ocr::http
